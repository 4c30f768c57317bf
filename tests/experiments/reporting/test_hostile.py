"""Any text of a user's, through every output: what is read is the text, and nothing in it acts."""

import csv
import html.parser
import io
import re
import unicodedata
import xml.etree.ElementTree
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from matplotlib.figure import Figure

from fairgrid.experiments.analysis.comparisons import comparisons_table
from fairgrid.experiments.analysis.effects import effects_table
from fairgrid.experiments.analysis.reproduction import reproduction_table
from fairgrid.experiments.errors import one_line
from fairgrid.experiments.plot import errors
from fairgrid.experiments.reporting.escaping import csv_text, html_id, latex_label, latex_text, markdown_line
from fairgrid.experiments.reporting.figures import draw, draw_overview
from fairgrid.experiments.reporting.html import page
from fairgrid.experiments.reporting.rendering import FORMATS, Format, overview, render, show
from fairgrid.experiments.reporting.text import shown_width
from fairgrid.experiments.results import Results
from fairgrid.experiments.store.table_writer import csv_of
from fairgrid.experiments.store.tables import ResultTables
from fairgrid.experiments.study.study import Study
from tests.experiments.reporting.test_figures import evidence_of

NASTY = [
    "Is $x_$ better?",
    "$\\frac{1}{$ \\$ {{ } ^_^ %",
    '<script>alert("1")</script> & &amp; --> <!-- end --> <!-- tables x -->',
    "=1+2",
    "-1+cmd|' /C calc'!A0",
    "| a | `b` **c** __d__ ~~e~~ [f](g) ![h](i) [j]: k",
    "- 1. # > ---",
    "[1] *starred \\input{x} \\\\ -- ``''",
    "two\nlines\r\nand\ttabs\rreturned\x0b\x85\u2028",
    "\x1b[31mred\x1b[0m \u202egnp.exe\u202c \x00 \x07 \ufffe \U000e0041",
    "日本語 مرحبا 👩\u200d🔬",
    "_hidden",
    " ",
    "ever so long " * 400,
]
# a text that means something somewhere is likelier than by chance
PIECES = st.sampled_from([*"\\$_^{}%&#~<>|`*[]()!-+=@'\"/:;,.? \n\r\t", "--", "$$", "]]>", "-->", "\\end{"])
TEXT = st.lists(PIECES | st.text(max_size=4), max_size=12).map("".join)
NO_SHRINKING = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
FEW = settings(max_examples=6, phases=NO_SHRINKING, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=150)


def nasty(test: Any) -> Any:
    """The test, with every one of NASTY among its examples."""
    for text in NASTY:
        test = example(text)(test)
    return test


def table(text: str) -> pd.DataFrame:
    return pd.DataFrame({f"{text} (heading)": [text, "b"], "other": ["1.5 [1, 2]", text]})


@nasty
@given(TEXT)
@MANY
def test_a_table_on_the_terminal_has_its_lines_and_columns(text: str) -> None:
    shown = render(table(text), "text", text, "label").split("\n")
    assert all(one_line(line) == line for line in shown)
    rule = next(number for number, line in enumerate(shown) if re.fullmatch(r"-+  -+", line))
    second = shown[rule].index(" ") + 2
    columns = ["".join((character + ".")[: shown_width(character)] for character in line) for line in shown[rule + 1 :]]
    assert all(not line[second - 2 : second].strip() for line in columns)


@nasty
@given(TEXT)
@MANY
def test_csv_for_a_spreadsheet_is_read_back_and_computes_nothing(text: str) -> None:
    title, *lines = render(table(text), "csv", text, "label").split("\n")
    assert title == f"# {one_line(text)}"
    rows = list(csv.reader(io.StringIO("\n".join(lines))))
    assert rows == [
        [csv_text(f"{text} (heading)"), "other"],
        [csv_text(text), "1.5 [1, 2]"],
        ["b", csv_text(text)],
    ]
    assert csv_text(text) in (one_line(text), f"'{one_line(text)}")
    assert not re.match(r"\s*[=+@]", csv_text(text))


@pytest.mark.parametrize("number", ["-0.5", "-0.5 [-1, 2]", "-1.00 ± 0.50", "-", "-1e-07", "-inf", "0", "-7,500"])
def test_numbers_in_csv_stay_numbers(number: str) -> None:
    assert csv_text(number) == number


@nasty
@given(TEXT)
@MANY
def test_csv_of_results_is_read_back(text: str) -> None:
    frame = pd.DataFrame({"study": ["s", "t"], "quote": [text, "a"], text + "!": ["", text]})
    read = pd.read_csv(io.BytesIO(csv_of(frame).encode()), dtype=str, keep_default_na=False)
    assert read.to_numpy().tolist() == frame.to_numpy().tolist()


def markdown(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def words(token: Token) -> str:
    """Of a line without any markup in it."""
    assert {child.type for child in token.children or []} <= {"text"}
    return "".join(child.content for child in token.children or [])


@nasty
@given(TEXT)
@MANY
def test_markdown_says_the_text_and_marks_nothing_up(text: str) -> None:
    read = one_line(text).strip()
    tokens = markdown(render(table(text), "markdown", text, "label"))
    if read:
        bold = [child for child in tokens[1].children or [] if child.content or child.type != "text"]
        assert [child.type for child in bold] == ["strong_open", "text", "strong_close"]
        assert bold[1].content == read
    cells = [words(token) for token in tokens[3 if read else 0 :] if token.type == "inline"]
    assert cells == [f"{one_line(text)} (heading)".strip(), "other", read, "1.5 [1, 2]", "b", read]


@nasty
@given(TEXT)
@MANY
def test_an_entry_of_a_list_in_markdown_is_one_paragraph(text: str) -> None:
    read = one_line(text).strip()
    assume(read)
    types = [token.type for token in markdown(f"- {markdown_line(text)}")]
    inside = ["list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close"]
    assert types == ["bullet_list_open", *inside, "bullet_list_close"]
    assert words(markdown(f"- {markdown_line(text)}")[3]) == read


@nasty
@given(TEXT)
@MANY
def test_latex_is_balanced_and_has_no_character_that_acts(text: str) -> None:
    written = latex_text(text)
    assert "\n" not in written
    plain = re.sub(r"\\[a-zA-Z]+|\\[^a-zA-Z]", "", written)  # without commands and what they escape
    depth = 0
    for character in plain:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    outside = re.sub(r"\\ensuremath\{[^{}]*(\{[^{}]*\}[^{}]*)*\}", "", written)
    outside = re.sub(r"\\[a-zA-Z]+|\\[^a-zA-Z]", "", outside)
    assert not re.search(r"[#$%&_^]", outside)
    assert outside.count("~") == text.count("\N{NO-BREAK SPACE}")  # which it is
    commands = set(re.findall(r"\\([a-zA-Z]+)", written))
    assert not commands & {"input", "include", "write", "def", "end", "begin", "frac", "catcode"}
    assert not re.match(r"\s*[\[*]", written)
    assert re.fullmatch(r"[A-Za-z0-9.:_-]*", latex_label(text))


class Skeleton(html.parser.HTMLParser):
    """The names of a page's tags, its ids, and what people read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [str(value) for name, value in attributes if name == "id"]

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def study_of(text: str) -> Study:
    """A study in which users may say what they like, and say this."""
    noted = {"name": "tests.experiments.own:Noted", "note": text}
    named: dict[str, Any] = {"optimizer": noted, "activation": "relu"}
    stated = {"metric": "test_error", "quote": text, "where": named}
    reported = {"statistic": "single", "value": 0.3, "runs": 1, "row": text, "column": text, "reading": text}
    claim = {"test": "difference", "against": named | {"activation": "tanh"}, "claim": "less", "reading": text}
    figure = {"name": "arms", "kind": "curves", "title": text, "metrics": ["loss"], "arms": {text: named}}
    return Study.from_dict(
        {
            "title": text,
            "source": text,
            "seeds": 4,
            "run": {"problem": {"name": "disk", "train": 40, "test": 30, "validation": 20}, "epochs": 2},
            "grid": [{"optimizer": [noted, "sgd", noted | {"note": "other"}], "activation": ["relu", "tanh"]}],
            "table": {"title": text},
            "reported": [stated | reported, stated | reported | {"reading": f"{text} too", "primary": False}],
            "claim": [stated | claim],
            "figure": [figure],
        },
        "hostile",
    )


def evidence_with(text: str, study: Study) -> ResultTables:
    """Tables as a grid would leave them, with a message of this text."""
    made = evidence_of(study)
    runs = made.runs.assign(message=[text if status != "ok" else "" for status in made.runs["status"]])
    runs = runs.assign(diverged_at_step=pd.array([3] * len(runs), "Int64"))
    derived = {"comparisons": comparisons_table(study, runs), "effects": effects_table(study, runs)}
    whole = made.replace(runs=runs, **derived)
    return whole.replace(reproduction=reproduction_table(study, whole))


@pytest.mark.takes_seconds
@nasty
@given(TEXT)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_the_tables_of_a_study_and_its_page_are_those_of_a_harmless_one(text: str) -> None:
    assume(one_line(text).strip())
    study, harmless = study_of(text), study_of("harmless")
    evidence = evidence_with(text, study)
    for style in FORMATS:
        for shown in (show(study, evidence, style), overview(evidence, style)):
            assert all(one_line(line) == line for line in shown.split("\n"))
    with TemporaryDirectory() as folder:
        ours = Skeleton(page([study], evidence, Path(folder)))
        theirs = Skeleton(page([harmless], evidence_with("harmless", harmless), Path(folder)))
    assert ours.tags == theirs.tags
    assert len(set(ours.ids)) == len(ours.ids)
    read = " ".join("".join(ours.words).split())
    assert " ".join(one_line(text).split()) in read
    acting = {unicodedata.category(character) for character in read.replace("\u200c", "").replace("\u200d", "")}
    assert not acting & {"Cc", "Cf", "Cs"}


@pytest.mark.takes_seconds
@nasty
@given(TEXT)
@FEW
def test_every_figure_is_drawn_with_any_text(text: str) -> None:
    assume(text)
    study = study_of(text)
    evidence = evidence_with(text, study)
    with TemporaryDirectory() as name:
        draw(study, evidence, Path(name), formats=("png", "svg"))
        draw_overview([study], evidence, Path(name), formats=("png", "svg"))
        pictures = sorted(Path(name).glob("*.svg"))
        assert len(pictures) == len(list(Path(name).glob("*.png"))) == 5
        for picture in pictures:
            xml.etree.ElementTree.parse(picture)


def test_a_dollar_in_a_level_is_a_dollar_on_axes_of_a_users_own() -> None:
    study = study_of("$x_$")
    ax = Figure().subplots()
    ax.set_title("$x^2$")
    errors(Results([study], evidence_with("", study), Path()), ax)
    ax.figure.canvas.draw()
    told = [text for text in (*ax.get_yticklabels(), *ax.get_legend().get_texts()) if "$" in text.get_text()]
    assert told
    assert not any(text.get_parse_math() for text in told)
    assert ax.title.get_parse_math()


@pytest.mark.parametrize("style", FORMATS)
def test_tables_of_a_study_without_a_title_are_printed(style: Format) -> None:
    study = study_of("")
    assert "sgd" in show(study, evidence_with("", study), style)


def test_ids_of_different_texts_differ() -> None:
    assert len({html_id(text) for text in ("a b", "a-b", "a%20b", "a")}) == 4
    assert all(re.fullmatch(r"[\w.~%-]+", html_id(text)) for text in NASTY)
