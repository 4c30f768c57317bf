"""How far training is, on a terminal and in a log."""

import io
import re

import pytest

from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.execution import progress
from fairgrid.experiments.execution.progress import Bar, Lines, Meter, duration, rough, shown
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.planning.work_units import Chunk, Run
from fairgrid.experiments.runtime.environment import Environment

HERE = Environment("", False, "", "", 1)


class Clock:
    """Takes the place of `time` in the module."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(progress, "time", made)
    return made


def chunk(runs: int, cost: float) -> Chunk:
    return Chunk(tuple(Run(str(seed), "cell", {}, seed) for seed in range(runs)), cost)


def outcome(of: Chunk, *statuses: str) -> Outcome:
    return Outcome(of, [Record(status=status) for status in statuses or ("ok",) * len(of.runs)], 1.0, HERE)


def test_lines_of_a_log_come_now_and_then_and_at_the_end(clock: Clock) -> None:
    chunks = [chunk(50, 10.0)] * 40
    stream = io.StringIO()
    with Lines("evaluation", chunks, stream) as meter:
        for each in chunks:
            clock.now += 3
            meter.add(outcome(each))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "evaluation: 200 of 2,000 runs, 12 s, about 2 min left, ok 200, diverged 0, failed 0"
    assert lines[-1] == "evaluation: 2,000 of 2,000 runs, 2 min 0 s, ok 2,000, diverged 0, failed 0"
    assert len(lines) == 10
    assert "\r" not in stream.getvalue()


def test_a_short_phase_is_one_line_and_a_slow_one_is_not_silent(clock: Clock) -> None:
    stream = io.StringIO()
    chunks = [chunk(1, 1.0)] * 100
    with Lines("tuning", chunks, stream) as meter:
        for each in chunks:
            clock.now += 0.01
            meter.add(outcome(each))
    assert stream.getvalue() == "tuning: 100 of 100 runs, 1 s, ok 100, diverged 0, failed 0\n"
    stream = io.StringIO()
    with Lines("tuning", chunks, stream) as meter:
        for each in chunks[:2]:
            clock.now += 40
            meter.add(outcome(each))
    assert [line.split(", ok")[0] for line in stream.getvalue().splitlines()] == [
        "tuning: 1 of 100 runs, 40 s, about 66 min left",
        "tuning: 2 of 100 runs, 1 min 20 s, about 65 min left",
    ]


def test_what_is_left_goes_by_expected_cost_and_all_outcomes_are_counted(clock: Clock) -> None:
    long, short = chunk(4, 9.0), chunk(4, 1.0)
    meter = Meter("evaluation", [long, short])
    assert meter.left() is None
    clock.now += 90
    meter.add(outcome(long, "ok", "diverged", "timeout", "error"))
    assert meter.left() == pytest.approx(10)
    assert meter.counts() == {"ok": 1, "diverged": 1, "failed": 2}
    meter.add(outcome(short))
    assert meter.left() is None


def test_nothing_is_said_where_nothing_ended() -> None:
    stream = io.StringIO()
    with Lines("evaluation", [chunk(3, 1.0)], stream):
        pass
    assert stream.getvalue() == ""


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_a_bar_stays_in_its_place(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    chunks = [chunk(221, 3.0)] * 40
    stream = Terminal()
    with Bar("evaluation", chunks, stream) as meter:
        for number, each in enumerate(chunks):
            clock.now += 7
            meter.add(outcome(each, *["diverged" if number % 3 else "ok"] * 221))
            meter._bar.refresh()
    frames = [frame for frame in re.split(r"[\r\n]", stream.getvalue()) if frame.strip()]
    assert len(frames) > 40
    assert {len(frame.rstrip()) for frame in frames} == {len(frames[0].rstrip())}
    assert len(frames[0]) <= 80
    for mark in ("|", " %,", "ok ", "diverged", "failed"):
        assert {frame.rindex(mark) for frame in frames} == {frames[0].rindex(mark)}
    assert re.fullmatch(r"evaluation \|█{8,}\| 100 %,    in 5 min, ok 3,094, diverged 5,746, failed 0", frames[-1])


def test_lines_where_stderr_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert type(shown("evaluation", [chunk(1, 1.0)])) is Lines


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (0.2, "0 s", "1 s"),
        (59.4, "59 s", "59 s"),
        (82, "1 min 22 s", "82 s"),
        (150, "2 min 30 s", "2 min"),
        (3599.7, "1 h 0 min", "60 min"),
        (7500, "2 h 5 min", "2 h"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: float, long: str, short: str) -> None:
    assert (duration(seconds), rough(seconds)) == (long, short)
