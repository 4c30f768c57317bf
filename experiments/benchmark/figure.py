"""What an optimizer step costs: a point per contestant, with its quartiles, for every batch size and optimizer."""

import pandas as pd
from matplotlib.figure import Figure

from fairgrid.experiments.benchmark.tables import summary
from fairgrid.experiments.reporting.figures.style import colours, new_figure


def benchmark(times: pd.DataFrame) -> Figure:
    """A figure of the rows of `fairgrid.experiments.benchmark.race.race`."""
    quartiles = summary(times)
    names = list(dict.fromkeys(quartiles["contestant"]))
    optimizers = list(dict.fromkeys(quartiles["optimizer"]))
    batches = list(dict.fromkeys(quartiles["batch"]))
    figure, axes = new_figure(1, len(optimizers), (9, 3.6), sharey=True)
    figure.set_layout_engine("constrained")
    for axis, optimizer in zip(axes[0], optimizers, strict=True):
        rows = quartiles[quartiles["optimizer"] == optimizer]
        for place, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True)):
            own = rows[rows["contestant"] == name].set_index("batch").reindex(batches)
            errors = [own["median"] - own["low"], own["high"] - own["median"]]
            positions = [at + (place - (len(names) - 1) / 2) * 0.07 for at in range(len(batches))]
            axis.errorbar(
                positions,
                own["median"],
                yerr=errors,
                fmt="os^Dv<>"[place % 7],
                color=colour,
                ms=5,
                capsize=2,
                label=name,
            )
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter("{x:g}")
        axis.set_xticks(range(len(batches)), [str(batch) for batch in batches])
        axis.set_xlim(-0.5, len(batches) - 0.5)
        axis.set_xlabel("batch size")
        axis.set_title({"sgd-momentum": "SGD with momentum", "adam": "Adam"}.get(optimizer, optimizer))
        axis.grid(axis="x", visible=False)
    axes[0][0].set_ylabel("µs per optimizer step of one network")
    figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside right upper", frameon=False)
    return figure
