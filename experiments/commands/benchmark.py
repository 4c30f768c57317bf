"""`fairgrid benchmark`: what a step costs, ours and that of others, in one run on one thread."""

import argparse
import os
from pathlib import Path

from fairgrid.experiments.commands.arguments import positive
from fairgrid.experiments.runtime.determinism import MODES, request, settle

HELP = "measure what an optimizer step costs, beside torch.nn, torch.func, JAX and scikit-learn"
EXAMPLES = """
  fairgrid benchmark                   leave the machine to it
  fairgrid benchmark --rounds 3 --results /tmp/benchmark
"""


def options(parser: argparse.ArgumentParser) -> None:
    """Adds the verb's options."""
    parser.add_argument("--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument("--rounds", type=positive, default=9, metavar="N", help="timings of each; default: 9")
    parser.add_argument("--numerics", choices=MODES, default="portable", help="which kernels of torch; see run")


def main(options: argparse.Namespace) -> int:
    """Runs the verb."""
    request(options.numerics)
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:1])  # threads of every library are born on one core
    settle()
    from fairgrid.experiments.benchmark.figure import benchmark
    from fairgrid.experiments.benchmark.jobs import jobs
    from fairgrid.experiments.benchmark.limits import limits, parts
    from fairgrid.experiments.benchmark.race import race
    from fairgrid.experiments.benchmark.tables import measured, ratios
    from fairgrid.experiments.reporting.figures.style import save, theme
    from fairgrid.experiments.store.content_manifest import record_file

    times = race(options.rounds, print)
    shares = parts(print)
    bounds = limits(times, print)
    os.sched_setaffinity(0, cores)
    several = jobs(len(cores), print)
    (options.results / "figures").mkdir(parents=True, exist_ok=True)
    path = options.results / "benchmark.csv"
    measured(times, shares, bounds, several).to_csv(path, index=False)
    record_file(options.results, path.name)
    with theme():
        save(benchmark(times), options.results / "figures" / "benchmark.png")
    print(f"\n{ratios(times)}\n\ntable: {path}; figure: {options.results}/figures/benchmark.png")
    return 0
