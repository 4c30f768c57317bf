"""A run's record depends on its configuration and seed alone: tried on tiny trainings."""

from collections.abc import Iterator

from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.record import Record
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.errors import first_line
from fairgrid.experiments.store.record_diff import differences

_SEEDS = [0, 1, 2]
_OTHERS = ([2, 0], [1])  # the same runs in other company
_EPOCHS = 2


def wrong_in_training(config: RunConfig) -> Iterator[str]:
    """What is wrong with trainings of a configuration, a line each."""
    tiny = config.shortened(min(_EPOCHS, config.epochs), 1)
    try:
        first, again = (train([tiny] * len(_SEEDS), _SEEDS) for _ in range(2))
        if differ := _differ(dict(zip(_SEEDS, first, strict=True)), _SEEDS, again):
            yield f"a training is not the same twice: {differ}"
            return
        for seeds in _OTHERS:
            records = train([tiny] * len(seeds), seeds)
            if differ := _differ(dict(zip(_SEEDS, first, strict=True)), seeds, records):
                yield f"a training depends on the runs beside it: {differ}"
                return
    except (Exception, SystemExit) as error:
        yield f"a training fails: {first_line(error)}"


def _differ(known: dict[int, Record], seeds: list[int], records: list[Record]) -> str:
    """The first number that differs, as text; "" where none does."""
    for seed, record in zip(seeds, records, strict=True):
        for difference in differences(known[seed], record):
            return f"{difference.name} of seed {seed} is {difference.one} and {difference.other}"
    return ""
