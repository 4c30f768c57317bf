"""How figures look: colours, names, headings, axes, files. The same records give the same bytes."""

import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.style
import numpy as np
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from fairgrid.experiments.errors import one_line
from fairgrid.experiments.runtime.files import placed

Colour = tuple[float, float, float]
Axises = np.ndarray[tuple[int, int], np.dtype[Any]]  # of Axes

# lines that coincide stay visible
DASHES = ((1, 0), (4, 2), (1.5, 1.5), (6, 2, 1.5, 2))

# what a file would say of the day and the program that made it
_ANONYMOUS = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}

# of seaborn's colour-blind-safe ten those that are dark enough on white, the most different first; then near black
_CHOSEN = (0, 1, 2, 3, 4, 9, 5, 7)
_BLACK = (0.15, 0.15, 0.15)

_WORDS = {"hidden": "hidden layers", "gradient_evaluations_per_sample": "epochs"}
_NAMES = {
    "adam": "Adam",
    "adamw": "AdamW",
    "kaiming": "Kaiming",
    "mse": "MSE",
    "nesterov": "Nesterov",
    "pytorch": "PyTorch",
    "relu": "ReLU",
    "sgd": "SGD",
    "xavier": "Xavier",
}
PLANE = ("$x_1$", "$x_2$")  # the axes of a plane
_NAME = re.compile(r"[A-Za-z][A-Za-z_0-9]*")
_LINEAR = 0.5  # percent; below, an axis that shows errors of 0 is linear
_LINE = 0.2  # inches of a heading's line
_LEVEL, _TITLE = 100, 400  # characters that are shown of a level's name and of a title
_CHARACTERS = 11.0  # of a heading, per inch


@contextmanager
def theme() -> Iterator[None]:
    """What is drawn inside looks alike, whatever the user's own settings are."""
    with mpl.style.context("default"), sns.axes_style("whitegrid"), sns.plotting_context("paper", font_scale=1.1):
        yield


def sheet(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Axises]:
    """An empty figure and its axes, (rows, columns).

    Args:
        rows: of axes.
        columns: of axes.
        size: width and height in inches.
        options: of Figure.subplots.
    """
    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)  # measures text; figures that pyplot makes stay open until they are closed
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def colours(count: int) -> list[Colour]:
    """That colour-blind readers tell apart."""
    ten = sns.color_palette("colorblind")
    return list(sns.color_palette([*(ten[number] for number in _CHOSEN), _BLACK], count))


def word(factor: str | None) -> str:
    """A factor as people read it: optimizer.learning_rate → learning rate."""
    last = one_line(factor or "").rpartition(".")[2]
    return _WORDS.get(last, last.replace("_", " "))


def spelled(level: str) -> str:
    """A level's label as figures show it, cut where it is long: leaky_relu(alpha=0.2) → leaky ReLU (alpha 0.2)."""
    named = _NAME.sub(lambda match: " ".join(_NAMES.get(part, part) for part in match[0].split("_")), cut(level))
    return " ".join(named.replace("=", " ").replace("(", " (").split()).replace("( (", "((")


def cut(text: str, most: int = _LEVEL) -> str:
    """Text in one line, see `one_line`, of at most so many characters, the last … where there were more."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 1]}…"


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
            handles=entries(handles),
            title=legend_title or None,
            loc="center left",
            bbox_to_anchor=(1.0, 0.5),
            frameon=False,
            alignment="left",
        )
    for ax in figure.axes:
        as_written(ax)
        _literal([ax.title, *ax.texts])
    for each in figure.legends:
        _literal([each.get_title(), *each.get_texts()])
    with _any_text():
        if handles:
            width += legend.get_window_extent().width / figure.dpi
        bold = textwrap.wrap(cut(title, _TITLE), int(_CHARACTERS * width))
        plain = textwrap.wrap(cut(note, 2 * _TITLE), int(1.2 * _CHARACTERS * width))
        figure.tight_layout(rect=(0, 0, 1, 1 - (0.08 + _LINE * (len(bold) + len(plain))) / height))
    top = 1 - 0.05 / height
    figure.text(0.01, top, "\n".join(bold), weight="bold", va="top", parse_math=False)
    figure.text(0.01, top - _LINE * len(bold) / height, "\n".join(plain), va="top", size="small", parse_math=False)
    return figure


def entries(handles: Iterable[Artist]) -> list[Artist]:
    """A legend's entries with a label that matplotlib shows: one that begins with _ it takes for one to be left out."""
    shown = list(handles)
    for handle in shown:
        if str(handle.get_label()).startswith("_"):
            handle.set_label(f" {handle.get_label()}")
    return shown


def as_written(ax: Axes) -> None:
    """Shows labels, levels and the legend of axes as they are written: users call things what they like, with $ in it.

    The names of a plane's axes, and the numbers that matplotlib itself writes on axes, stay formulas.
    """
    for axis in (ax.xaxis, ax.yaxis):
        if axis.label.get_text() not in PLANE:
            _literal([axis.label])
        if isinstance(axis.get_major_formatter(), FixedFormatter | FuncFormatter):  # of ticks with texts of ours
            _literal(text for tick in axis.get_major_ticks() for text in (tick.label1, tick.label2))
    legend = ax.get_legend()
    if legend is not None:
        _literal([legend.get_title(), *legend.get_texts()])


def _literal(texts: Iterable[Text]) -> None:
    for text in texts:
        text.set_parse_math(False)


@contextmanager
def _any_text() -> Iterator[None]:
    """What is drawn inside may have letters that the font lacks, which are boxes, and names longer than a panel."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)
        warnings.filterwarnings("ignore", "Tight layout not applied", UserWarning)
        yield


def save(figure: Figure, path: Path, formats: Sequence[str] = ("png",)) -> None:
    """Writes a figure whole, in each format, without dates or the library's version in it.

    Args:
        figure: any.
        path: of the file; its ending is replaced by each format's.
        formats: png, pdf, svg.
    """
    for name in formats:  # a PDF's letters stay TrueType, as publishers ask; an SVG's ids are not drawn by chance
        with (
            mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "fairgrid"}),
            _any_text(),
            placed(path.with_suffix(f".{name}")) as partial,
        ):
            figure.savefig(partial, format=name, dpi=150, bbox_inches="tight", metadata=_ANONYMOUS[name])


def epoch_axis(ax: Axes) -> None:
    """Whole epochs."""
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10], min_n_ticks=2))


def percent_axis(axes: Iterable[Axis], low: float, high: float) -> str:
    """Logarithmic axes in percent around the errors that they show.

    Where there are errors of 0 they are linear below half a percent.

    Args:
        axes: x or y axes.
        low: the least error that is drawn, in percent; not a number where there is none.
        high: the greatest.

    Returns:
        a note that says so; "" where they are logarithmic all along.
    """
    if not low <= high:
        low, high = 1.0, 100.0
    linear = low < _LINEAR / 10
    bottom, top = (-0.08 * _LINEAR if linear else low / 1.25), min(112.0, 1.25 * high)
    for axis in axes:
        if linear:
            _scale(axis, "symlog", linthresh=_LINEAR, linscale=0.5)
            ticks = [0, _LINEAR, *(tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick <= top)]
            axis.set_major_locator(FixedLocator(ticks))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_locator(NullLocator())
        else:
            log_axis(axis, bottom, top)
        (axis.axes.set_xlim if isinstance(axis, XAxis) else axis.axes.set_ylim)(bottom, top)
    return f"; the axis is linear below {_LINEAR:g} %" if linear else ""


def log_axis(axis: Axis, low: float = 1.0, high: float = 100.0) -> None:
    """A logarithmic axis with plain numbers at 1, 2 and 5 of every decade; at more where it spans less than one."""
    _scale(axis, "log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > 8 * low else (1, 1.5, 2, 3, 4, 5, 6, 8)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def _scale(axis: Axis, name: str, **options: float) -> None:
    (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)(name, **options)
