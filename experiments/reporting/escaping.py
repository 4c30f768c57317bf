r"""Text of a user's on its way out: titles, quotes, names of levels, messages, paths. One function per kind of output.

Each takes any text and gives one line in which nothing acts: what is read is the text itself, as `one_line` has it.
On a terminal and, beside the escapes that its template makes, on the HTML page that is all; LaTeX, Markdown and
spreadsheets have characters of their own that mean something.
"""

import re
from urllib.parse import quote

from pylatexenc.latexencode import UnicodeToLatexEncoder

from fairgrid.experiments.errors import one_line

_ENCODER = UnicodeToLatexEncoder(unknown_char_policy="keep", unknown_char_warning=False)
# two characters that LaTeX's fonts make one of: -- is a dash, '' a quotation mark, ?` and !` are turned around
_LIGATURES = re.compile(r"(?<=([-'`,<>]))(?=\1)|(?<=[?!])(?=`)")
_OPTIONAL = re.compile(r"^\s*([\[*])")  # what the \\, \item or \midrule before a text would take for its option

_ENTITIES = re.compile(r"<(?! )|&(?=#?\w+;)")  # where Markdown may see a tag, a comment, an address or an entity
_NAMED = {"<": "&lt;", "&": "&amp;"}
# an underscore inside a word, and brackets that no address follows, are text without help
_MARKUP = re.compile(r"[\\`*~$#|]|\[(?=\^)|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
# what begins a list, a quotation, a heading or an entry with a box to tick at the start of a line
_BLOCK = re.compile(r"^(?:[-+>=]|\[(?=[ xX]\])|\d+(?=[.)]))")

# what Excel and LibreOffice compute; the wide forms are taken for the narrow ones in East Asian settings
_FORMULA = re.compile(r"\s*['＇]*[=+\-@＝＋－＠]")
_NUMBER = r"-?(?:\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?|inf|nan)"
_NUMERIC = re.compile(rf"-|{_NUMBER}(?: ± {_NUMBER})?(?: \[{_NUMBER}, {_NUMBER}\])?")


def latex_text(text: str) -> str:
    """Text as LaTeX shows it; letters that it has no command for stay, for XeLaTeX and LuaLaTeX to show."""
    pieces = _LIGATURES.split(one_line(text))[:: _LIGATURES.groups + 1]
    written = "{}".join(str(_ENCODER.unicode_to_latex(piece)) for piece in pieces)
    return _OPTIONAL.sub(r"{\1}", written)


def latex_label(text: str) -> str:
    r"""Text as a name for \label and \ref: letters, digits, . : _ and -, others as -."""
    return re.sub(r"[^A-Za-z0-9.:_-]", "-", text)


def markdown_text(text: str) -> str:
    """Text inside a line of Markdown, such as a cell of a table."""
    line = one_line(text).strip()
    entities = [*(_NAMED[mark] for mark in _ENTITIES.findall(line)), ""]
    escaped = (_MARKUP.sub(r"\\\g<0>", piece) for piece in _ENTITIES.split(line))
    return "".join(f"{piece}{entity}" for piece, entity in zip(escaped, entities, strict=True))


def markdown_line(text: str) -> str:
    """Text that a line of Markdown, or an entry of a list, begins with."""
    return _BLOCK.sub(lambda mark: f"{mark[0]}\\" if mark[0].isdigit() else f"\\{mark[0]}", markdown_text(text))


def html_id(text: str) -> str:
    """Text as the name of an element of an HTML page, and of links to it: without spaces, one name for one text."""
    return quote(one_line(text), safe="")


def csv_text(text: str) -> str:
    """Text in a field that a spreadsheet is to show: an apostrophe stands before what it would compute.

    Numbers stay numbers, negative ones too, with or without a spread and an interval; so does the mark of no value, -.
    """
    text = one_line(text)
    return f"'{text}" if _FORMULA.match(text) and not _NUMERIC.fullmatch(text) else text
