"""What is said in one line: every character visible, no line broken, nothing endless."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fairgrid.experiments.errors import (
    MOST,
    BadKeyError,
    InputError,
    StoreError,
    first_line,
    one_line,
    short_message,
    warn,
)

# every code point, lone surrogates among them, which st.text() leaves out
ANY_TEXT = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"]))


@given(ANY_TEXT)
@example("caf\udce9.csv")
@example("\x1b[31mred\r\n\u202egnp.exe")
def test_a_line_is_one_line_of_visible_characters(text: str) -> None:
    line = one_line(text)
    assert len(line.splitlines()) <= 1
    acting = {character for character in line if unicodedata.category(character) in ("Cc", "Cf", "Cs")}
    assert acting <= {"\u200c", "\u200d"}
    assert one_line(line) == line
    assert line.encode().decode() == line


@pytest.mark.parametrize("text", ["relu(α=0.2) ± 3\N{NO-BREAK SPACE}%", "日本語", "naïve", "👩\u200d🔬", ""])
def test_text_that_people_read_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\tb\nc\u2028d", "a b c d"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("caf\udce9", r"caf\udce9"),
    ],
)
def test_what_acts_is_written_out(text: str, line: str) -> None:
    assert one_line(text) == line


@given(ANY_TEXT, st.integers(1, 3000))
def test_a_message_is_at_most_so_long_and_says_what_is_left_out(text: str, times: int) -> None:
    kept = short_message(text * times)
    assert len(kept.encode()) <= MOST
    whole = next((line for line in (text * times).splitlines() if line.strip()), "")
    if kept != one_line(whole):
        beginning, _, aside = kept.rpartition(" … ")
        assert aside == f"(cut, of {len(whole):,} characters)"
        assert one_line(whole).startswith(beginning)
        assert len(beginning.encode()) > MOST - 60


@given(ANY_TEXT, st.integers(1, 3000))
def test_any_error_of_fairgrids_is_one_line_of_bounded_length(text: str, times: int) -> None:
    for error in (InputError(text * times), BadKeyError(text * times, text), StoreError(text)):
        assert one_line(str(error)) == str(error)
        assert len(str(error).encode()) <= MOST


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("mute")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no file yet\nin two lines"), "ValueError: no file yet"),
        (ValueError("\n\n  the second line"), "ValueError: the second line"),
        (FileNotFoundError("caf\udce9.csv"), r"FileNotFoundError: caf\udce9.csv"),
        (MuteError(), "MuteError: its text is not to be had (RuntimeError)"),
    ],
)
def test_an_error_is_its_name_and_its_first_line(error: Exception, line: str) -> None:
    assert first_line(error) == line


def test_a_warning_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    warn("a study\n\x1b[2Jof two lines")
    assert capsys.readouterr().err == "fairgrid: a study \\x1b[2Jof two lines\n"
