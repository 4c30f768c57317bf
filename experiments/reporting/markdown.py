"""Tables inside Markdown pages: what stands between two marks is replaced by a study's tables.

<!-- tables report_004 -->
…
<!-- end -->
"""

import re
from collections.abc import Callable

from fairgrid.experiments.errors import InputError

OVERVIEW = "reports"  # stands for all reports in a mark, in the place of a study
FIGURES = "figures"  # stands for the kinds of figures

_MARK = "<!-- tables "
# what stands between has no other mark: a mark without its end takes nothing of the next one's
_BLOCK = re.compile(
    rf"(?P<begin>{_MARK}(?P<study>\S+)(?: (?P<section>\w+))? -->\n)(?:(?!{_MARK}).)*?(?P<end><!-- end -->)", re.DOTALL
)


def marks(text: str) -> list[tuple[str, str | None]]:
    """The studies, each with the section, whose tables a page holds, in order.

    Raises:
        InputError: a mark is not one, or has no end.
    """
    found = [(match["study"], match["section"]) for match in _BLOCK.finditer(text)]
    if len(found) < text.count(_MARK):
        raise InputError(
            f"expected every '{_MARK}STUDY -->' on a line and with its '<!-- end -->', found one that is not"
        )
    return found


def filled(text: str, tables: Callable[[str, str | None], str]) -> str:
    """The page with every block replaced.

    Args:
        text: of the page.
        tables: a study's tables in Markdown, by its name and, if only one is wanted, the name of the section.
    """

    def replaced(match: re.Match[str]) -> str:
        return f"{match['begin']}\n{tables(match['study'], match['section'])}\n\n{match['end']}"

    return _BLOCK.sub(replaced, text)
