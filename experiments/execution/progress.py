"""How far training is: a bar on a terminal, elsewhere a line now and then, fit for a log."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Never, Self, TextIO

from fairgrid.experiments.engines.record import Status
from fairgrid.experiments.execution.worker import Outcome
from fairgrid.experiments.planning.work_units import Chunk
from fairgrid.experiments.store.columns import FAILED

_TENTHS_AFTER = 5.0  # seconds since the last line until a further tenth of the runs is worth one
_AT_LEAST_AFTER = 30.0  # seconds after which any further run is


class Meter:
    """Counts outcomes and shows nothing; what shows them derives from it. Use it in a `with` statement.

    Args:
        name: the name of what is trained.
        chunks: all of it.
    """

    def __init__(self, name: str, chunks: Sequence[Chunk]) -> None:
        self.name = name
        self.total = sum(len(chunk.runs) for chunk in chunks)
        self.done = 0
        self._statuses: Counter[str] = Counter()
        self._cost, self._spent = sum(chunk.cost for chunk in chunks), 0.0
        self._start = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, outcome: Outcome) -> None:
        """Counts a chunk's runs."""
        self.done += len(outcome.records)
        self._spent += outcome.chunk.cost
        self._statuses.update(record.status for record in outcome.records)

    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._start

    def left(self) -> float | None:
        """Seconds that the rest will take if it goes on like this, by what chunks were expected to take."""
        if self.done >= self.total or not self._spent:
            return None
        return self.elapsed() * max(0.0, self._cost / self._spent - 1)

    def counts(self) -> dict[str, int]:
        """Runs by outcome."""
        failed = sum(self._statuses[status] for status in FAILED)
        return {"ok": self._statuses[Status.OK], "diverged": self._statuses[Status.DIVERGED], "failed": failed}


class Bar(Meter):
    """A bar that stays in its place as the numbers beside it grow."""

    def __init__(self, name: str, chunks: Sequence[Chunk], stream: TextIO) -> None:
        from tqdm.auto import tqdm  # which warns in a notebook without widgets

        super().__init__(name, chunks)
        self._bar: tqdm[Never] = tqdm(
            total=self.total,
            desc=name,
            file=stream,
            dynamic_ncols=True,
            bar_format="{desc} |{bar}| {percentage:3.0f} %{postfix}",
            delay=1e-9,  # it is first drawn below, with its numbers
        )
        self._label()
        self._bar.refresh()

    def __exit__(self, *_: object) -> None:
        self._label()
        self._bar.close()

    def add(self, outcome: Outcome) -> None:
        """Counts a chunk's runs."""
        super().add(outcome)
        self._label()
        self._bar.update(len(outcome.records))

    def _label(self) -> None:
        left = self.left()
        time_ = f"in {rough(self.elapsed())}" if self.done >= self.total else f"{rough(left)} left"
        counts, digits = self.counts(), len(f"{self.total:,}")
        self._bar.set_postfix_str(
            f"{time_:>11}, ok {counts['ok']:{digits},}, diverged {counts['diverged']:{digits},}"
            f", failed {counts['failed']:,}",
            refresh=False,
        )


class Lines(Meter):
    """A line when a tenth more is done, or after half a minute, and one at the end."""

    def __init__(self, name: str, chunks: Sequence[Chunk], stream: TextIO) -> None:
        super().__init__(name, chunks)
        self._stream = stream
        self._said_done, self._said_at = 0, 0.0

    def __exit__(self, *_: object) -> None:
        if self.done > self._said_done:
            self._say()

    def add(self, outcome: Outcome) -> None:
        """Counts a chunk's runs."""
        super().add(outcome)
        since = self.elapsed() - self._said_at
        tenth = 10 * self.done // self.total > 10 * self._said_done // self.total
        if self.done < self.total and (since >= _AT_LEAST_AFTER or (tenth and since >= _TENTHS_AFTER)):
            self._say()

    def _say(self) -> None:
        left = self.left()
        parts = [f"{self.done:,} of {self.total:,} runs", duration(self.elapsed())]
        parts += [f"about {rough(left)} left"] if left is not None else []
        parts += [f"{name} {count:,}" for name, count in self.counts().items()]
        print(f"{self.name}: {', '.join(parts)}", file=self._stream, flush=True)
        self._said_done, self._said_at = self.done, self.elapsed()


Watch = Callable[[str, Sequence[Chunk]], Meter]


def unsaid(line: str) -> None:
    """Takes the place of print where nothing is to be said."""


def shown(name: str, chunks: Sequence[Chunk]) -> Meter:
    """A meter on stderr: a bar if that is a terminal, else lines."""
    return (Bar if sys.stderr.isatty() else Lines)(name, chunks, sys.stderr)


def bar(name: str, chunks: Sequence[Chunk]) -> Meter:
    """A bar wherever it is: in a notebook that of its widgets."""
    return Bar(name, chunks, sys.stderr)


def duration(seconds: float) -> str:
    """2 h 5 min, 1 min 22 s, 7 s."""
    whole = round(seconds)
    for size, (name, smaller) in ((3600, ("h", "min")), (60, ("min", "s"))):
        if whole >= size:
            big, small = divmod(whole, size)
            return f"{big} {name} {small // (size // 60)} {smaller}"
    return f"{whole} s"


def rough(seconds: float | None) -> str:
    """To the nearest of its largest unit, at least one: 2 h, 14 min, 7 s; - if not known."""
    if seconds is None:
        return "-"
    size, name = next((each for each in ((3600, "h"), (60, "min")) if seconds >= 1.5 * each[0]), (1, "s"))
    return f"{max(1, round(seconds / size))} {name}"
