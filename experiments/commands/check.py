"""`fairgrid check`: says what is wrong with studies and with classes of one's own before a night is spent on them.

A study is read whole, with what its engines refuse; how many runs it has is counted, and how long they will take is
measured on short trainings. Every class of one's own in it, or named alone by its dotted path, is held against the
contract of its kind: gradients against finite differences, the same bits in any stack, the same twice, shapes, NaN.
Nothing is written.
"""

import argparse
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fairgrid.experiments.commands.arguments import INTERRUPTED, add_jobs, positive
from fairgrid.experiments.errors import InputError, first_line, one_line
from fairgrid.experiments.runtime.determinism import request, settle
from fairgrid.experiments.runtime.process_state import process_state_restored

if TYPE_CHECKING:
    from fairgrid.experiments.config.run import RunConfig
    from fairgrid.experiments.contracts import Own

HELP = "check studies and classes of one's own before running them"
EXAMPLES = """
  fairgrid check mine.toml          a study and the classes that it names
  fairgrid check mine:SignSGD       a class, SignSGD in mine.py
  fairgrid check optimizers --seeds 100
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    parser.add_argument(
        "what",
        nargs="+",
        metavar="WHAT",
        help="a shipped study, a path ending in .toml, or the dotted path of a class, module:Class",
    )
    parser.add_argument("--seeds", type=positive, metavar="N", help="evaluation seeds 0 to N-1, not the studies' own")
    add_jobs(parser, "worker processes that the time is estimated for")


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    request("portable")
    faults = 0
    for what in options.what:
        lines = _part(what) if ":" in what else _study(what, options.seeds, options.jobs)
        try:
            for wrong, line in lines:
                faults += wrong
                print(one_line(line))
        except InputError as error:
            faults += 1
            print(one_line(str(error)))
        except KeyboardInterrupt:
            print("\nfairgrid: interrupted; nothing was written", file=sys.stderr)
            return INTERRUPTED
    print(f"{faults} {'thing is' if faults == 1 else 'things are'} wrong" if faults else "nothing wrong was found")
    return InputError.exit_code if faults else 0


Line = tuple[bool, str]  # whether it says that something is wrong, and what is said


def _study(name: str, seeds: int | None, jobs: int) -> Iterator[Line]:
    from fairgrid.experiments.runtime.opened_files import opened_by_users_code

    with opened_by_users_code() as opened:
        configs = yield from _sound_study(name, seeds, jobs)
    from fairgrid.experiments.contracts import undeclared  # a study is refused before torch is imported

    for line in undeclared(configs, opened):
        yield True, f"{name}: {line}"


def _sound_study(name: str, seeds: int | None, jobs: int) -> "Generator[Line, None, list[RunConfig]]":
    from fairgrid.experiments.study.declaration import Overrides
    from fairgrid.experiments.study.loading import load_with

    study = load_with(name, Overrides(seeds, seeds_flag="--seeds"))
    from fairgrid.experiments.contracts import estimate, own_parts  # a study is refused before torch is imported
    from fairgrid.experiments.execution.progress import rough
    from fairgrid.experiments.reporting.figures import check_files

    check_files([study])
    settle()
    yield from ((False, line) for line in study.shadowing)
    configs = [cell.at_rate(cell.rates[0]) if cell.rates else cell.config for cell in study.cells]
    yield from ((False, line) for line in _tables(configs))
    with process_state_restored():
        sound = True
        for wrong, line in _parts(own_parts(configs), _together(configs)):
            sound &= not wrong
            yield wrong, line
        try:
            estimated = estimate(study, jobs) if sound else None
        except (Exception, SystemExit) as error:
            yield True, f"{study.path}: a training fails: {first_line(error)}"
            return configs
    if estimated is not None:
        planned = f"{_counted(estimated.runs, 'run')} of {_counted(estimated.configurations, 'configuration')}"
        taken = f"about {rough(estimated.together)} of training on {_counted(jobs, 'core')}"
        yield False, f"{study.path}: {planned}; {taken}, as {_counted(estimated.shapes, 'shape')} of them took"
    return configs


def _tables(configs: "Iterable[RunConfig]") -> Iterator[str]:
    """What the files of a study's own data are taken for."""
    from fairgrid.experiments.config.run import canonical_json
    from fairgrid.experiments.problems import Table

    different = {canonical_json(config.problem.spec): config for config in configs}
    for config in different.values():
        problem = config.build_problem()
        if isinstance(problem, Table):
            columns = f"{_counted(len(problem.answers), 'row')}, {_counted(problem.inputs, 'feature')}"
            answer = f"{problem.classes} classes" if problem.classes else "a number to predict"
            parts = f"{problem.train} rows to train, {problem.validation} to validate, {problem.test} to test"
            yield f"{problem.path}: {columns}, {answer}; {parts}"


def _part(path: str) -> Iterator[Line]:
    from fairgrid.experiments.contracts import part_of

    settle()
    own = part_of(path)
    with process_state_restored():
        yield from _parts([own], [[own]])


def _parts(own: "Sequence[Own]", together: "Iterable[Sequence[Own]]") -> Iterator[Line]:
    """What is wrong with parts, each alone and, if nothing, with others in a training; then those that are sound."""
    from fairgrid.experiments.contracts import wrong_in_training, wrong_with

    sound = {part.label: part for part in own}
    for part in own:
        for line in wrong_with(part):
            sound.pop(part.label, None)
            yield True, f"{part.label}: {line}"
    for parts in together:
        if any(part.label not in sound for part in parts):
            continue
        for line in wrong_in_training(parts[0].config):
            for part in parts:
                sound.pop(part.label, None)
            yield True, f"{', '.join(part.label for part in parts)}: {line}"
    yield from ((False, f"{part.label}: {part.noun}, nothing wrong with it") for part in sound.values())


def _together(configs: "Iterable[RunConfig]") -> "Iterator[list[Own]]":
    """The own parts of a configuration, once for every set of them that an engine trains."""
    from fairgrid.experiments.config.run import canonical_json
    from fairgrid.experiments.contracts import own_parts

    tried = set()
    for config in configs:
        own = own_parts([config])
        key = (config.engine, *(canonical_json(part.component.spec) for part in own))
        if own and key not in tried:
            tried.add(key)
            yield own


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
