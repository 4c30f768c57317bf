"""The shipped studies, and the reports' own variants beside them."""
