"""How figures look: colours, headings, axes, files. The same records give the same bytes."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fairgrid.experiments.reporting.wording import cut
from fairgrid.experiments.runtime.files import placed

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

# matplotlib and seaborn are imported inside functions: names of figures are needed without them

Colour = tuple[float, float, float]
AxesGrid = np.ndarray[tuple[int, int], np.dtype[Any]]  # of Axes

DASHES = ((1, 0), (4, 2), (1.5, 1.5), (6, 2, 1.5, 2))  # keep lines that coincide visible
MARKERS = ("o", "s", "^", "D", "v", "P")

# metadata that would tell the date and the program
_ANONYMOUS = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
}

# those of seaborn's ten colour-blind-safe colours that are dark enough on white, the most different first; then a near
# black
_CHOSEN = (0, 1, 2, 3, 4, 9, 5, 7)
_BLACK = (0.15, 0.15, 0.15)

PLANE = ("$x_1$", "$x_2$")  # the axes of a plane
_LINEAR = 0.5  # percent; an axis that shows errors of 0 is linear below
_LINE = 0.2  # inches of a heading's line
_TITLE = 400  # characters of a title that are shown
_CHARACTERS = 11.0  # of a heading, per inch


@contextmanager
def theme() -> Iterator[None]:
    """A context in which figures look alike, whatever the user's own settings are."""
    import matplotlib as mpl
    import matplotlib.style
    import seaborn as sns

    with mpl.style.context("default"), sns.axes_style("whitegrid"), sns.plotting_context("paper", font_scale=1.1):
        yield


def new_figure(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Figure, AxesGrid]:
    """An empty figure and its axes, (rows, columns).

    Args:
        rows: the number of rows of axes.
        columns: the number of columns of axes.
        size: width and height in inches.
        options: options of Figure.subplots.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)  # measures text; figures that pyplot makes stay open until they are closed
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def colours(count: int) -> list[Colour]:
    """Colours that colour-blind readers tell apart."""
    import seaborn as sns

    ten = sns.color_palette("colorblind")
    return list(sns.color_palette([*(ten[number] for number in _CHOSEN), _BLACK], count))


def line_key(label: str, **look: Any) -> Line2D:
    """A legend's entry that shows a line or a marker."""
    from matplotlib.lines import Line2D

    return Line2D([], [], label=label, **look)


def finish(
    figure: Figure,
    title: str,
    note: str,
    handles: Sequence[Artist] = (),
    legend_title: str = "",
) -> Figure:
    """Adds a heading above everything, in bold and wrapped, a note under it, and one legend next to the panels."""
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
    for text_box in figure.legends:
        _literal([text_box.get_title(), *text_box.get_texts()])
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
    """A legend's entries with labels that matplotlib shows: it leaves out labels that begin with an underscore."""
    shown = list(handles)
    for handle in shown:
        if str(handle.get_label()).startswith("_"):
            handle.set_label(f" {handle.get_label()}")
    return shown


def as_written(ax: Axes) -> None:
    """Shows the labels, levels and legend of axes literally: names that users choose may have a $ in them.

    The names of a plane's axes, and the numbers that matplotlib itself writes on axes, stay formulas.
    """
    from matplotlib.ticker import FixedFormatter, FuncFormatter

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
    """A context that allows letters that the font lacks, drawn as boxes, and names longer than a panel."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from", UserWarning)
        warnings.filterwarnings("ignore", "Tight layout not applied", UserWarning)
        yield


def save(figure: Figure, path: Path, formats: Sequence[str] = ("png",)) -> None:
    """Writes a figure atomically, in each format, without dates or the library's version in it.

    Args:
        figure: the figure to write.
        path: the path of the file; its ending is replaced by each format's.
        formats: png, pdf, svg.
    """
    import matplotlib as mpl

    for name in formats:  # a PDF's letters stay TrueType, as publishers ask; an SVG's ids are not drawn by chance
        with (
            mpl.rc_context({"pdf.fonttype": 42, "svg.hashsalt": "fairgrid"}),
            _any_text(),
            placed(path.with_suffix(f".{name}")) as partial,
        ):
            figure.savefig(partial, format=name, dpi=150, bbox_inches="tight", metadata=_ANONYMOUS[name])


def epoch_axis(ax: Axes) -> None:
    """Puts ticks at whole epochs."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10], min_n_ticks=2))


def percent_axis(axes: Iterable[Axis], low: float, high: float) -> str:
    """Makes axes logarithmic, in percent, around the errors that they show.

    Where an error is 0 they are linear below half a percent.

    Args:
        axes: x or y axes.
        low: the least error that is drawn, in percent; NaN if no error is drawn.
        high: the greatest.

    Returns:
        A note for readers if the axes are linear below half a percent, else "".
    """
    from matplotlib.axis import XAxis
    from matplotlib.ticker import FixedLocator, NullLocator

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
    """Makes an axis logarithmic, with plain numbers at 1, 2 and 5 of every decade; more within a single one."""
    from matplotlib.ticker import LogLocator, NullLocator

    _scale(axis, "log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high > 8 * low else (1, 1.5, 2, 3, 4, 5, 6, 8)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def _scale(axis: Axis, name: str, **options: float) -> None:
    from matplotlib.axis import XAxis

    (axis.axes.set_xscale if isinstance(axis, XAxis) else axis.axes.set_yscale)(name, **options)
