"""A study: what its file says, checked, and expanded to cells."""
