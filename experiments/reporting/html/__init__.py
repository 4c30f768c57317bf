"""The report: one HTML file that needs nothing else, made from a results directory's tables and figures.

`page` puts together what the other files here make: tables, images (figures with their descriptions),
failures and provenance. The same evidence gives the same bytes.
"""

from fairgrid.experiments.reporting.html.page import page

__all__ = ["page"]
