"""How figures look: colours, sizes, headings, axes. The same records give the same bytes."""

import os
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

Colour = tuple[float, float, float]

# lines that coincide stay visible
DASHES = ((1, 0), (4, 2), (1.5, 1.5), (6, 2, 1.5, 2))

_WORDS = {"model.hidden": "hidden layers", "batch_size": "batch size", "gradient_evaluations_per_sample": "epochs"}
_LINE = 0.2  # inches of a heading's line
_CHARACTERS = 11.0  # of a heading, per inch


@contextmanager
def theme() -> Iterator[None]:
    """What is drawn inside looks alike, whatever the user's own settings are."""
    with plt.style.context("default"), sns.axes_style("whitegrid"), sns.plotting_context("paper", font_scale=1.1):
        yield


def colours(count: int) -> list[Colour]:
    """That colour-blind readers tell apart."""
    return list(sns.color_palette("colorblind", count))


def word(factor: str | None) -> str:
    """A factor as people read it."""
    return _WORDS.get(factor or "", (factor or "").replace(".", " ").replace("_", " "))


def finish(
    figure: Figure,
    title: str,
    note: str,
    handles: Sequence[Artist] = (),
    legend_title: str = "",
) -> Figure:
    """A heading above everything, in bold and wrapped, a note under it, and one legend beside the panels."""
    width, height = figure.get_size_inches()
    if handles:
        legend = figure.legend(
            handles=list(handles),
            title=legend_title or None,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            alignment="left",
        )
        width += legend.get_window_extent().width / figure.dpi
    bold = textwrap.wrap(title, int(_CHARACTERS * width))
    plain = textwrap.wrap(note, int(1.2 * _CHARACTERS * width))
    figure.tight_layout(rect=(0, 0, 1, 1 - (0.08 + _LINE * (len(bold) + len(plain))) / height))
    top = 1 - 0.05 / height
    figure.text(0.01, top, "\n".join(bold), weight="bold", va="top")
    figure.text(0.01, top - _LINE * len(bold) / height, "\n".join(plain), va="top", size="small")
    return figure


def save(figure: Figure, path: Path) -> None:
    """Writes a figure whole, without the library's version in it, and closes it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    figure.savefig(partial, format="png", dpi=150, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    os.replace(partial, path)


def percent_axis(panels: Iterable[Axes], smallest: float) -> None:
    """A logarithmic axis in percent down to the smallest error, but not below 0.1 %."""
    for ax in panels:
        log_axis(ax.yaxis)
        ax.set_ylim(max(0.1, 70 * smallest), 110)


def log_axis(axis: Axis) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5 of every decade."""
    (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())
