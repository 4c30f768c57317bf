"""Tables inside Markdown pages: the text between two marks is replaced by a study's tables.

<!-- tables report_004 -->
…
<!-- end -->
"""

import re
from collections.abc import Callable

from fairgrid.experiments.errors import InputError

OVERVIEW = "reports"  # stands for all reports in a mark, in the place of a study
FIGURES = "figures"  # stands for the kinds of figures
COLUMNS = "columns"  # stands for the tables and their columns

_MARK = "<!-- tables "
# the text between has no other mark: a mark without its end takes nothing of the next one's
_BLOCK = re.compile(
    rf"(?P<begin>{_MARK}(?P<study>\S+)(?: (?P<section>\w+))? -->\n)(?:(?!{_MARK}).)*?(?P<end><!-- end -->)", re.DOTALL
)


def marks(text: str) -> list[tuple[str, str | None]]:
    """The studies whose tables a page holds, in order, each with its section.

    Raises:
        InputError: a mark is not one, or has no end.
    """
    blocks = [(match["study"], match["section"]) for match in _BLOCK.finditer(text)]
    if len(blocks) < text.count(_MARK):
        raise InputError(
            f"expected every '{_MARK}STUDY -->' on a line and with its '<!-- end -->', found one that is not"
        )
    return blocks


def filled(text: str, tables: Callable[[str, str | None], str]) -> str:
    """The page with every block replaced.

    Args:
        text: the text of the page.
        tables: a function of a study's name and a section, or None for all, that returns Markdown tables.
    """

    def replaced(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{tables(match['study'], match['section'])}\n\n{match['end']}"

    return _BLOCK.sub(replaced, text)
