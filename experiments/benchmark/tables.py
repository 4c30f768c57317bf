"""The measurement as one CSV and as the table of ratios."""

import pandas as pd
from tabulate import tabulate

from fairgrid.experiments.benchmark.contestants import Compiled
from fairgrid.experiments.benchmark.page import BENCHMARK


def summary(times: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles of the rounds, a row per batch, optimizer and contestant."""
    keys = ["batch", "optimizer", "contestant", "stack", "test_error"]
    grouped = times.groupby(keys, sort=False)["microseconds"]
    shares = {"low": 0.25, "median": 0.5, "high": 0.75}
    return pd.DataFrame({name: grouped.quantile(share) for name, share in shares.items()}).reset_index()


def ratios(times: pd.DataFrame) -> str:
    """What a step of each costs, and how many of our compiled steps that is."""
    quartiles = summary(times)
    rows = []
    for (batch, optimizer), group in quartiles.groupby(["batch", "optimizer"], sort=False):
        ours = group.loc[group["contestant"] == Compiled.name, "median"].item()
        for row in group.itertuples():
            spread = f"{row.low:.3g} to {row.high:.3g}"
            rows.append(
                [batch, optimizer, row.contestant, row.stack, f"{row.median:.3g}", spread, f"{row.median / ours:.3g}"]
            )
    head = ["batch", "optimizer", "", "stack", "µs a step", "quartiles", "times ours"]
    return tabulate(rows, headers=head, disable_numparse=True)


def measured(times: pd.DataFrame, parts: pd.DataFrame, limits: pd.DataFrame, jobs: pd.DataFrame) -> pd.DataFrame:
    """benchmark.csv: a row for every number that was measured."""
    race = summary(times).assign(measure="step", unit="µs", n=int(times["round"].nunique()))
    share = parts.rename(columns={"engine": "contestant", "microseconds": "median"}).assign(measure="part", unit="µs")
    bounds = limits.melt(["batch", "optimizer"], ["at_peak", "at_bandwidth"], "part", "median")
    bounds = bounds.assign(measure="limit", unit="µs", contestant=Compiled.name)
    several = jobs.rename(columns={"engine": "contestant", "microseconds": "median", "runs": "n"})
    several = several.assign(measure="all cores", unit="µs", part=several["cores"].map("{} cores".format))
    several = several.assign(contestant="engine " + several["contestant"], optimizer="sgd-momentum")
    frame = pd.concat([race, share, bounds, several]).reindex(columns=BENCHMARK.header)
    for column in ("median", "low", "high", "test_error"):
        frame[column] = frame[column].map(lambda value: f"{value:.4g}" if pd.notna(value) else "")
    return frame.astype({"stack": "Int64", "n": "Int64"})
