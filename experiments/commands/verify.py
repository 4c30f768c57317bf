"""`fairgrid verify`: holds what is recorded against what this machine computes; changes nothing.

Records are held against their checksums, and tables against what they are made from and against manifest.json; a random
sample of the recorded runs is trained again and compared, bit for bit where the arithmetic is the one they were made
with; and a study whose hash is published is trained. What none of this covers is said.

To train a record again, and to compute its name, its classes have to be imported. Those that are not fairgrid's are
listed first, and imported only with --trust: without, their records are left out.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from fairgrid.experiments.commands.arguments import (
    DIFFERENT,
    INTERRUPTED,
    MISSING,
    add_jobs,
    add_study,
    natural,
    positive,
)
from fairgrid.experiments.errors import one_line
from fairgrid.experiments.runtime.determinism import DEVICES, MODES, request, usable

if TYPE_CHECKING:
    from fairgrid.experiments.verification import Verification

HELP = "train a sample of the recorded runs again and compare; change nothing"
_SHOWN = 10  # lines of a kind, the others are counted
_VALUES = 3  # values of a run, likewise
EXAMPLES = """
  fairgrid verify                                20 records, drawn at random
  fairgrid verify report_004 --sample all
  fairgrid verify mine.toml --results mine --sample 100 --seed 7 --trust
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    add_study(parser)
    parser.add_argument(
        "--sample", type=_size, default=20, metavar="N|all", help="how many runs are trained again; default: 20"
    )
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="of the sample; default: 0")
    parser.add_argument(
        "--trust", action="store_true", help="import the classes that records name and that are not fairgrid's"
    )
    add_jobs(parser, "worker processes, if more than 1")
    parser.add_argument("--numerics", choices=MODES, default="portable", help="of the records; default: portable")
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="cpu",
        help="of the records; those of a GPU are compared statistically, and need none; default: cpu",
    )


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    try:
        verification = _verify(options)
    except KeyboardInterrupt:
        print("\nfairgrid: interrupted; nothing was changed", file=sys.stderr)
        return INTERRUPTED
    verdict, code = _verdict(verification)
    lines = (
        verdict,
        *_records(verification),
        *_tables(verification),
        *_contents(verification),
        *_trained_again(verification, options.seed),
        *_published(verification),
        *_unchecked(verification),
    )
    for line in lines:
        print(one_line(line))
    return code


def _verdict(verification: "Verification") -> tuple[str, int]:
    """The answer in a line, and the exit code."""
    if not verification.holds:
        return "not verified", DIFFERENT
    if verification.population.withheld:
        left_out = len(set().union(*verification.population.withheld.values()))
        return f"verified, but for the tables and {_counted(left_out)}: --trust", MISSING
    return "verified", 0


def _verify(options: argparse.Namespace) -> "Verification":
    request(options.numerics, options.device)
    from fairgrid.experiments.study.loading import require

    require(options.study)
    from fairgrid.experiments.execution.backends import Pool
    from fairgrid.experiments.reporting.publishing import select_studies
    from fairgrid.experiments.verification import foreign_classes, verify

    studies = select_studies(options.results, options.study, options.trust)
    for line in _classes(foreign_classes(options.results, studies), options.trust):
        print(one_line(line))
    if options.device == "cuda" and usable("cuda"):
        pool = Pool("loky", device="cuda")
    else:
        pool = Pool("loky", options.jobs) if options.jobs > 1 else Pool()
    asked = (options.results, studies, options.numerics, options.sample, options.seed)
    with pool:
        return verify(*asked, pool, options.device, options.trust)


def _size(text: str) -> int | None:
    try:
        return None if text == "all" else positive(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected 'all' or an integer ≥ 1, found {text!r}") from error


def _classes(counts: dict[str, int], trust: bool) -> Iterator[str]:
    """What is, or would be, imported: said before anything is."""
    if not counts:
        return
    what = "which are imported for these records" if trust else "whose records are left out without --trust"
    yield f"classes that are not fairgrid's, {what}:"
    yield from (f"  {path}: {_counted(count)}" for path, count in counts.items())


def _counted(records: int) -> str:
    return f"{records:,} record{'s' * (records != 1)}"


def _records(verification: "Verification") -> Iterator[str]:
    population = verification.population
    source = "the store" if population.store else "the tables, as there is no store"
    whole = ", as their checksums say" if population.store else ""
    yield f"records: {len(population.runs):,} of {len(set(population.studies.values()))} studies in {source}{whole}"
    if population.other_numerics:
        yield f"  {population.other_numerics:,} more have other numerics (--numerics) or another device (--device)"
    for study, names in population.strangers.items():
        if study in population.studies.values():
            yield (
                f"  {study}: {len(names):,} more are not what their names stand for: a seed, a setting or an own class"
                " was changed"
            )
            yield from _first([f"    run {name}" for name in names])
        else:
            yield (
                f"  {study}: none of {len(names):,} is of the study as it stands: its file, RECORD_VERSION or an own"
                " class was changed since"
            )


def _tables(verification: "Verification") -> Iterator[str]:
    source = "the store" if verification.population.store else "their source"
    if not verification.compared:
        yield "tables: not compared, as it takes these classes to make them again"
        return
    if verification.behind:
        yield "tables: older than the store, so only rows of runs.csv with a result are compared"
    elif not verification.altered:
        yield f"tables: as {source} gives them"
    if verification.altered:
        yield f"tables: {len(verification.altered):,} values are not what {source} gives"
        lines = []
        for each in verification.altered:
            row = ", ".join(f"{key} {value}" for key, value in each.row.items() if value)
            place = f"{each.file}: {row}" if row else each.file
            lines.append(f"  {place}: expected {each.column} {each.expected!r}, found {each.found!r}")
        yield from _first(lines)


def _contents(verification: "Verification") -> Iterator[str]:
    contents = verification.contents
    if contents.differing:
        yield f"manifest.json: {len(contents.differing):,} hashes are not those of what there is"
        yield from _first([f"  {line}" for line in contents.differing])
    elif contents.files:
        yield f"manifest.json: {contents.files} files and {contents.studies} studies are as it says"


def _unchecked(verification: "Verification") -> Iterator[str]:
    """What an altered value could hide in, after all that was done."""
    lines = []
    again = len(verification.retrained)
    if again < len(verification.population.runs):
        lines.append(f"{len(verification.population.runs) - again:,} records were not trained again (--sample)")
    if not verification.contents.files:
        lines.append(
            "tables' bytes, as manifest.json is missing or unfinished; beside a store `fairgrid summarize` writes it"
        )
    if verification.contents.unnamed:
        lines.append(f"manifest.json says nothing of {', '.join(verification.contents.unnamed)}")
    if not verification.population.store:
        only = "of these only the SHA-256" if verification.contents.files else "of these nothing"
        lines.append(
            "losses, steps and metrics of single runs beyond what other tables give, and curves before their last"
            f" checkpoint: {only}"
        )
    elif verification.behind:
        lines.append("tables that are older than the store, other than runs.csv; `fairgrid summarize` writes them")
    for date, count in verification.sealed_later.items():
        lines.append(f"what happened to {count:,} records before {date}, when their checksums were made")
    lines.append("figures; where and how fast records were made (no checksum covers it)")
    yield "not checked:"
    yield from (f"  {line}" for line in lines)


def _trained_again(verification: "Verification", seed: int) -> Iterator[str]:
    if not verification.retrained:
        return
    suspected = f", {verification.suspects:,} of them because of these values" if verification.suspects else ""
    yield f"trained again: {len(verification.retrained):,} records, drawn with seed {seed}{suspected}"
    same = sum(not each.differing for each in verification.retrained)
    yield f"  {same:,} are the same bit for bit"
    if verification.wrong:
        yield f"  {len(verification.wrong):,} are not what training gives"
        lines = []
        for each in verification.wrong:
            values = [f"{one.name} {one.one} recorded, {one.other} found" for one in each.differing]
            more = [f"{len(values) - _VALUES} more values"] if len(values) > _VALUES else []
            study = verification.population.studies[each.run.run_id]
            said = "; ".join(values[:_VALUES] + more)
            lines.append(f"    run {each.run.run_id} ({study}, seed {each.run.seed}): {said}")
        yield from _first(lines)
    elsewhere = [each for each in verification.retrained if verification.made_elsewhere(each)]
    if elsewhere and verification.device == "cuda":
        where = "GPU" if verification.here == "cuda" else "processor, as torch finds no GPU"
        yield (
            f"  {len(elsewhere):,} were trained on a GPU, where bits may depend on what trains beside a run; trained"
            f" again on a {where}, they are compared statistically, and a single altered one would not be seen:"
        )
        yield from _shifts(verification)
    elif elsewhere:
        theirs = Counter(verification.population.arithmetic[each.run.run_id] for each in elsewhere)
        yield (
            f"  {len(elsewhere):,} were made with other arithmetic ({', '.join(sorted(theirs))}; here"
            f" {verification.arithmetic}), so they are compared statistically, and a single altered one would not be"
            " seen:"
        )
        yield from _shifts(verification)


def _shifts(verification: "Verification") -> Iterator[str]:
    for shift in verification.shifts:
        verdict = "moved to one side" if shift.significant else "as rounding may do"
        moved = f"{shift.mean:+.3g} on average over {shift.n:,} pairs, p = {shift.p_holm:.3g}"
        yield f"    {shift.metric}: {moved}: {verdict}"


def _published(verification: "Verification") -> Iterator[str]:
    check = verification.check
    if check is None:
        yield "published study: not trained, as its hash is of portable numerics on a processor"
        return
    yield f"published study: published {check.published.sha256}"
    yield f"                 found     {check.found.sha256}"
    if check.same_bytes:
        return
    if not check.same_arithmetic:
        yield (
            f"  other bytes, as the arithmetic of this machine is another: published with {check.published.arithmetic},"
            f" here {check.found.arithmetic}"
        )
    else:
        yield (
            f"  other bytes with the same arithmetic: the code trains otherwise (RECORD_VERSION published"
            f" {check.published.record_version}, here {check.found.record_version})"
        )


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"    and {len(lines) - _SHOWN:,} more"
