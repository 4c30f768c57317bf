"""Tables inside Markdown pages: what stands between two marks is replaced by a study's tables.

<!-- tables report_004 -->
…
<!-- end -->
"""

import re
from collections.abc import Callable

OVERVIEW = "reports"

_BLOCK = re.compile(
    r"(?P<begin><!-- tables (?P<study>\S+)(?: (?P<section>\w+))? -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)


def studies_in(text: str) -> list[str]:
    """The studies whose tables a page holds, in order."""
    return [match["study"] for match in _BLOCK.finditer(text)]


def filled(text: str, tables: Callable[[str, str | None], str]) -> str:
    """The page with every block replaced.

    Args:
        text: of the page.
        tables: a study's tables in Markdown, by its name and, if only one is wanted, the name of the section.
    """

    def replaced(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{tables(match['study'], match['section'])}\n\n{match['end']}"

    return _BLOCK.sub(replaced, text)
