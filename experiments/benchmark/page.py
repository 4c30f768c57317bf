"""results/benchmark.csv as people read it: a table of times and ratios, one of parts and limits, one of whole jobs."""

import pandas as pd

from fairgrid.experiments.store.schema import Table, declared, fractions, integers, numbers, text

OURS = "fairgrid, compiled"
BENCHMARK = declared(
    Table(
        "benchmark",
        "A row per measurement of speed.",
        (
            *text(
                "measure",
                "`step`, a contestant's; `part` of our step; `limit` of the machine; `all cores`, through the runner",
            ),
            *integers("batch", "samples per step"),
            *text("optimizer contestant part", "what was measured"),
            *integers("stack", "networks that train at once", gaps=True),
            *integers("n", "timings, of `all cores` runs", gaps=True),
            *numbers("median low high", "median and quartiles, of a step of one network"),
            *text("unit", "their unit"),
            *fractions("test_error", "the test error that the contestants reached"),
        ),
        of_studies=False,
    )
)


def _steps(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per contestant; microseconds of each batch and optimizer, and how many of our compiled steps they are."""
    steps = frame[frame["measure"] == "step"]
    rows: dict[str, dict[str, str]] = {}
    for (batch, optimizer), group in steps.groupby(["batch", "optimizer"], sort=False):
        ours = float(group.loc[group["contestant"] == OURS, "median"].iloc[0])
        short = {"sgd-momentum": "SGD-m", "adam": "Adam"}[str(optimizer)]
        for row in group.to_dict("records"):
            times = "" if row["contestant"] == OURS else f" ({_times(row['median'] / ours)}×)"
            column = f"batch {batch}, {short}"
            rows.setdefault(row["contestant"], {"µs a step": row["contestant"]})[column] = f"{row['median']:.3g}{times}"
    return pd.DataFrame(list(rows.values())).fillna("")


def _limits(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per batch and optimizer: shares of the compiled step, and the processor's limits."""
    rows = []
    own = frame[frame["contestant"] == OURS]
    for (batch, optimizer), group in own[own["measure"] == "part"].groupby(["batch", "optimizer"], sort=False):
        row = {"batch": str(batch), "optimizer": str(optimizer)}
        total = group["median"].sum()
        row |= {str(part): f"{value / total:.0%}" for part, value in zip(group["part"], group["median"], strict=True)}
        same = own[(own["batch"] == batch) & (own["optimizer"] == optimizer)].set_index(["measure", "part"])["median"]
        row["products at the peak, µs"] = f"{same[('limit', 'at_peak')]:.2g}"
        row["update at the cache's bandwidth, µs"] = f"{same[('limit', 'at_bandwidth')]:.2g}"
        step = own[(own["measure"] == "step") & (own["batch"] == batch) & (own["optimizer"] == optimizer)]
        row["measured, µs"] = f"{step['median'].iloc[0]:.3g}"
        rows.append(row)
    return pd.DataFrame(rows)


def _jobs(frame: pd.DataFrame) -> pd.DataFrame:
    """A row per engine and batch size: runs, and microseconds a step on all cores through the runner."""
    jobs = frame[frame["measure"] == "all cores"]
    return pd.DataFrame(
        [
            {
                "engine": str(row["contestant"]).removeprefix("engine "),
                "batch": str(row["batch"]),
                "runs of 20 epochs": f"{row['n']:.0f}",
                "cores": str(row["part"]).removesuffix(" cores"),
                "µs a step": f"{row['median']:.3g}",
            }
            for row in jobs.to_dict("records")
        ]
    )


def _times(ratio: float) -> str:
    """Three digits at most, and none after the point from a hundred on."""
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


# of the table: a title, and what makes it of benchmark.csv's rows
SECTIONS = {
    "step": (
        "Microseconds per optimizer step of one network, medians; in brackets how many compiled steps that is",
        _steps,
    ),
    "limits": ("Parts of the compiled step, and what the processor's limits account for", _limits),
    "jobs": (
        "SGD with momentum on all cores through the runner: planning, evaluation, store and CSVs included",
        _jobs,
    ),
}
