"""Tables as wide as the terminal."""

import io
import sys

import pandas as pd
import pytest

from fairgrid.experiments.reporting.rendering import render
from fairgrid.experiments.reporting.text import columns, lines

TABLE = pd.DataFrame(
    {
        "optimizer": ["momentum(learning_rate=tuned)", "adam"],
        "test error": ["12.47 ± 0.51 [10.00, 13.14]", "1.90"],
        "what is said of it": ["it is better than all of the others, on the whole", ""],
    }
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_in_a_file_only_the_longest_texts_are_broken() -> None:
    assert columns() is None
    assert lines(TABLE, 36, None) == [
        "optimizer                      test error                   what is said of it",
        "-----------------------------  ---------------------------  ------------------------------------",
        "momentum(learning_rate=tuned)  12.47 ± 0.51 [10.00, 13.14]  it is better than all of the others,",
        "                                                            on the whole",
        "",
        "adam                           1.90",
    ]


def test_a_terminal_breaks_at_spaces_but_within_no_number_and_no_interval() -> None:
    assert lines(TABLE, 36, 70) == [
        "optimizer                      test error      what is said of it",
        "-----------------------------  --------------  ------------------",
        "momentum(learning_rate=tuned)  12.47 ± 0.51    it is better than",
        "                               [10.00, 13.14]  all of the others,",
        "                                               on the whole",
        "",
        "adam                           1.90",
    ]


def test_a_narrow_one_breaks_after_punctuation_too() -> None:
    assert lines(TABLE, 36, 40) == [
        "optimizer    test error    what is said",
        "                           of it",
        "-----------  ------------  ------------",
        "momentum(    12.47 ± 0.51  it is better",
        "learning_    [10.00,       than all of",
        "rate=tuned)  13.14]        the others,",
        "                           on the whole",
        "",
        "adam         1.90",
    ]


def test_rows_of_one_line_stand_together() -> None:
    assert lines(pd.DataFrame({"a": ["1", "2"], "": ["x", "y"]}), 36, 80) == ["a", "-  -", "1  x", "2  y"]


def test_the_width_is_that_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal())
    for width in (30, 50, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        shown = render(TABLE, "text", "A title that is longer than thirty columns", "label").splitlines()
        assert max(map(len, shown)) <= width
        words = [word for line in shown for word in line.split()]
        assert "".join(words).count("better") == 1
    assert max(map(len, render(TABLE, "markdown", "A title", "label").splitlines())) > 80


def test_columns_stand_under_each_other_where_letters_are_wide_or_have_accents() -> None:
    table = pd.DataFrame({"e\u0301": ["日本語", "x"], "b": ["1", "2"]})
    assert lines(table, 36, None) == [
        "e\u0301       b",
        "------  -",
        "日本語  1",
        "x       2",
    ]
