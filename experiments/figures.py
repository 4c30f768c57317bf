"""Figures as functions of DataFrames: learning curves with bands, test errors of every cell. Nothing here trains."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from experiments.evidence import Evidence
from experiments.report_tables import factors_order
from experiments.study import Study
from experiments.tables import labels

# the factor that colours tell apart is the first of these that a study varies
_COLOURED = ("optimizer", "initializer", "engine")
# lines that coincide stay visible
_DASHES = ((1, 0), (4, 2), (1.5, 1.5), (6, 2, 1.5, 2))
_WORDS = {"model.hidden": "hidden layers", "batch_size": "batch size"}


def names(study: Study) -> list[str]:
    """The files that `draw` makes for a study."""
    return [f"{study.name}_curves.png", f"{study.name}_test_error.png"]


def draw(study: Study, evidence: Evidence, folder: Path) -> None:
    """Draws a study's figures into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    found = evidence.of(study.name)
    with sns.axes_style("whitegrid"), sns.plotting_context("paper", font_scale=1.1):
        for name, figure in zip(names(study), [curves(study, found), test_error(study, found)], strict=True):
            # without the library's version in it, the same records give the same bytes
            figure.savefig(folder / name, dpi=150, bbox_inches="tight", metadata={"Software": None})
            plt.close(figure)


def curves(study: Study, evidence: Evidence) -> Figure:
    """Median test error over epochs with the band of the middle 80 % of runs; a panel per level of two factors."""
    order = factors_order(study)
    data = _with_factors(evidence.curves[evidence.curves["metric"] == "test_error"], order)
    colour, column, row = _assign(order)
    figure, panels = _panels(order, column, row)
    for place, ax in panels.items():
        panel = _where(data, dict(zip((row, column), place, strict=True)))
        for number, (level, shade) in enumerate(_shades(order, colour).items()):
            line = _where(panel, {colour: level}).sort_values("epoch")
            for _, cell in line.groupby("cell", sort=False):
                ax.plot(cell["epoch"], 100 * cell["median"], color=shade, dashes=_DASHES[number % len(_DASHES)])
                ax.fill_between(cell["epoch"], 100 * cell["q10"], 100 * cell["q90"], color=shade, alpha=0.2, lw=0)
    _percent_axis(panels, data["q10"].min())
    return _finish(
        figure,
        panels,
        order,
        (colour, column, row),
        ("epoch", "test error (%)"),
        f"{study.title}\nmedian over runs and the band between the 10 % and 90 % quantiles",
    )


def test_error(study: Study, evidence: Evidence) -> Figure:
    """The final test error of every run of every cell: a box from quartile to quartile, whiskers at 5 % and 95 %."""
    runs = evidence.runs[(evidence.runs["phase"] == "evaluation") & evidence.runs["status"].isin(["ok", "diverged"])]
    order = factors_order(study)
    data = _with_factors(runs, order)
    data["error"] = 100 * data["test_error"].where(data["status"] == "ok", 1.0)
    colour, column, row = _assign(order)
    figure, panels = _panels(order, column, None)
    for (_, level), ax in panels.items():
        sns.boxplot(
            _where(data, {column: level}),
            x=row or colour,
            y="error",
            hue=colour if row else None,
            order=order.get(row or colour or "", None),
            hue_order=order.get(colour or "", None) if row else None,
            palette=list(_shades(order, colour).values()) if row and colour else None,
            whis=(5, 95),
            fliersize=1.5,
            linewidth=0.8,
            legend=False,
            ax=ax,
        )
    _percent_axis(panels, data["error"].min() / 100)
    return _finish(
        figure,
        panels,
        order,
        (colour if row else None, column, None),
        (_word(row or colour), "test error (%)"),
        f"{study.title}\nevery run; boxes from quartile to quartile, whiskers at 5 % and 95 %, diverged runs at 100 %",
    )


def _with_factors(frame: pd.DataFrame, order: dict[str, list[str]]) -> pd.DataFrame:
    columns = {text: labels(text) for text in frame["factors"].unique()}
    added = pd.DataFrame([columns[text] for text in frame["factors"]], index=frame.index, columns=list(order))
    return frame[["cell", *(name for name in frame if name not in added and name != "cell")]].join(added)


def _assign(order: dict[str, list[str]]) -> tuple[str | None, str | None, str | None]:
    """The factors told apart by colour, by columns and by rows of panels."""
    varied = list(order)
    if not varied:
        return None, None, None
    colour = next((name for name in _COLOURED if name in varied), varied[0])
    rest = sorted((name for name in varied if name != colour), key=lambda name: -len(order[name]))
    return colour, rest[0] if rest else None, rest[1] if len(rest) > 1 else None


def _panels(
    order: dict[str, list[str]], column: str | None, row: str | None
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    columns, rows = order.get(column or "", [""]), order.get(row or "", [""])
    size = (max(3.0 * len(columns), 5.0) + 1.2, 2.3 * len(rows) + 1.0)
    figure, axes = plt.subplots(len(rows), len(columns), figsize=size, sharex=True, sharey=True, squeeze=False)
    return figure, {(r, c): axes[i][j] for i, r in enumerate(rows) for j, c in enumerate(columns)}


def _shades(order: dict[str, list[str]], colour: str | None) -> dict[str, tuple[float, float, float]]:
    levels = order.get(colour or "", [""])
    return dict(zip(levels, sns.color_palette("colorblind", len(levels)), strict=True))


def _where(frame: pd.DataFrame, levels: dict[str | None, str]) -> pd.DataFrame:
    for name, level in levels.items():
        if name is not None:
            frame = frame[frame[name] == level]
    return frame


def _percent_axis(panels: dict[tuple[str, str], Axes], smallest: float) -> None:
    """A logarithmic axis in percent down to the smallest error, but not below 0.1 %."""
    for ax in panels.values():
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_locator(NullLocator())
        ax.set_ylim(max(0.1, 70 * smallest), 110)


def _word(factor: str | None) -> str:
    return _WORDS.get(factor or "", (factor or "").replace(".", " ").replace("_", " "))


def _finish(
    figure: Figure,
    panels: dict[tuple[str, str], Axes],
    order: dict[str, list[str]],
    factors: Sequence[str | None],
    axis_labels: tuple[str, str],
    title: str,
) -> Figure:
    """Panel titles, outer axis labels, and one legend beside the panels."""
    colour, column, row = factors
    for (row_level, column_level), ax in panels.items():
        named = [f"{_word(name)} {level}" for name, level in ((row, row_level), (column, column_level)) if name]
        ax.set_title("\n".join(named))
        ax.set_xlabel(axis_labels[0] if ax.get_subplotspec().is_last_row() else "")  # type: ignore[union-attr]
        ax.set_ylabel(axis_labels[1] if ax.get_subplotspec().is_first_col() else "")  # type: ignore[union-attr]
    first, _, rest = title.partition("\n")
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.55 / figure.get_figheight()))
    top = 1 - 0.05 / figure.get_figheight()
    figure.text(0.01, top, first, weight="bold", va="top")
    figure.text(0.01, top - 0.2 / figure.get_figheight(), rest, va="top", size="small")
    if colour:
        patches = [mpl.patches.Patch(color=shade, label=level) for level, shade in _shades(order, colour).items()]
        figure.legend(handles=patches, title=_word(colour), loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure
