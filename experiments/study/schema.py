"""What a study file may say: its tables and keys, checked by pydantic."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from fairgrid.experiments.config.coercion import check_values
from fairgrid.experiments.config.messages import first_problem
from fairgrid.experiments.errors import BadKeyError, nearest
from fairgrid.experiments.runtime.words import Word

Metric = Literal["train_loss", "train_error", "validation_error", "test_loss", "test_error"]
METRICS: tuple[str, ...] = get_args(Metric)  # that every run has
FigureKind = Literal["data", "errors", "boundary", "curves"]
FigureMetric = Literal["loss", "error", "accuracy"]
FigurePart = Literal["train", "test"]
Direction = Literal["min", "max"]


class Statistic(Word):
    """What a published number is of its runs."""

    SINGLE = "single"
    MEAN = "mean"
    STD = "std"


class ClaimTest(Word):
    """The test that stands for a claim in words; see `Claim`."""

    SHARE = "share"
    DIFFERENCE = "difference"
    ORDER = "order"
    SPREAD = "spread"


STATISTICS = ((Statistic.SINGLE,), (Statistic.MEAN,), (Statistic.STD,), (Statistic.MEAN, Statistic.STD))
NUMBERS = tuple("+".join(names) for names in STATISTICS)  # as reproduction.csv has them


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else (value,)


def last_digit(value: float) -> float:
    """The unit of the last digit with which a value is written: 0.001 for 0.053."""
    return float(Decimal((0, (1,), int(Decimal(repr(value)).as_tuple().exponent))))


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Reported(_Table):
    """A published number, and the cell whose runs it is held against."""

    where: dict[str, Any] = Field(description="factors that name the cell")
    metric: Metric
    statistic: Annotated[tuple[Annotated[Statistic, Field(strict=False)], ...], BeforeValidator(_listed)]
    value: Annotated[tuple[float, ...], BeforeValidator(_listed)] = Field(description="errors are fractions")
    runs: int = Field(ge=1, description="how many runs the number is from")
    quote: str = Field(description="where the report says it")
    row: str = Field(description="the row of the report's table")
    column: str = Field(description="the column of the report's table")
    resolution: float | None = Field(None, gt=0, description="unit of the last printed digit, if value hides zeros")
    reading: str = "as stated"
    primary: bool = True

    @property
    def resolutions(self) -> tuple[float, ...]:
        """The unit of the last printed digit of each value."""
        return tuple(self.resolution or last_digit(value) for value in self.value)

    @model_validator(mode="after")
    def _one_value_per_statistic(self) -> "Reported":
        if self.statistic not in STATISTICS:
            known = ", ".join(" and ".join(names) for names in STATISTICS)
            raise ValueError(f"expected a statistic ({known}), found {' and '.join(self.statistic)}")
        if len(self.value) != len(self.statistic):
            raise ValueError(f"expected a value per statistic ({len(self.statistic)}), found {len(self.value)}")
        if Statistic.STD in self.statistic and self.runs < 2:
            raise ValueError(f"expected runs ≥ 2, as there is no std of fewer, found {self.runs}")
        if self.metric.endswith("_error") and not all(0 <= value <= 1 for value in self.value):
            raise ValueError(
                f"expected values of {self.metric} in [0, 1], as errors are fractions, found {list(self.value)}"
            )
        return self


class Claim(_Table):
    """A report's claim in words, and the test that stands for it.

    "share": the runs of `where` whose metric lies in `between` are at least, or at most, a share of all.
    "difference": the metric of `where` is less than, or equivalent to, that of `against`, seed by seed; with
    `against_metric`, another metric of the same runs.
    "order": it is less for more seeds than it is greater, where a difference has no size (never reached is worst).
    "spread": its standard deviation is less.
    """

    quote: str = Field(description="the report's words")
    test: Annotated[ClaimTest, Field(strict=False)]
    metric: str = Field(description="a column of runs.csv, or a name in metrics.csv")
    where: dict[str, Any] = Field(description="factors that name the cell")
    against: dict[str, Any] | None = Field(None, description="factors of the cell that it is compared with")
    against_metric: str | None = Field(None, description="the metric that it is compared with")
    claim: Literal["less", "equivalent", "at least", "at most"]
    between: tuple[float, float] | None = Field(None, description="for a share: the range, ends included")
    share: float | None = Field(None, gt=0, lt=1, description="for a share: of the runs")
    region: float = Field(0.005, gt=0, description="for an equivalence: differences that do not matter")
    reading: str = "as stated"
    primary: bool = True

    @model_validator(mode="after")
    def _complete(self) -> "Claim":
        needed = ("between", "share") if self.test == ClaimTest.SHARE else ()
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"expected {name}, as the test is a share, found none")
        either = {ClaimTest.SHARE: ("at least", "at most"), ClaimTest.DIFFERENCE: ("less", "equivalent")}
        allowed = either.get(self.test, ("less",))
        if self.claim not in allowed:
            raise ValueError(f"expected claim {' or '.join(map(repr, allowed))} for {self.test}, found {self.claim!r}")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError(f"expected between from low to high, found {list(self.between)}")
        if self.test != ClaimTest.SHARE and self.against is None and self.against_metric is None:
            raise ValueError("expected against or against_metric, found neither")
        return self


class ReportTable(_Table):
    """How the report prints its numbers."""

    title: str
    unit: Literal["error", "error %", "accuracy", "accuracy %"] = "error %"


class ReportFigure(_Table):
    """A figure like one of the report's: results/figures/<study>_<name>.png.

    "data": points in the colours of their true class, and the true border. "errors": the same, misclassified points
    crossed. "boundary": points in the colours of the decided class, the learned boundary, the true border. These three
    are of the first of run.keep_seeds. "curves": metrics over epochs, median and the middle 80 % of all runs.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$", description="of the file")
    kind: FigureKind
    title: str
    where: dict[str, Any] = Field(
        default_factory=dict, description="factors that name cells; an arm each, or of all arms"
    )
    arms: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="by their label: factors that name, together with `where`, one cell each"
    )
    metrics: tuple[FigureMetric, ...] = Field((), description="of curves, a panel each")
    parts: tuple[FigurePart, ...] = Field(("train", "test"), min_length=1)

    @model_validator(mode="after")
    def _metrics_of_curves(self) -> "ReportFigure":
        if bool(self.metrics) != (self.kind == "curves"):
            needed = "metrics for curves" if self.kind == "curves" else f"no metrics for a figure of kind {self.kind!r}"
            raise ValueError(f"expected {needed}, found {list(self.metrics)}")
        return self


class Tuning(_Table):
    """Each cell's learning rate chosen on validation error."""

    learning_rate: dict[str, list[float]] = Field(description="candidates by the optimizer's name")
    seeds: int = Field(5, ge=1, description="tuning seeds per candidate; none of them is an evaluation seed")
    baseline: bool = Field(False, description="whether every tuned cell is run untuned too, at the default rate")
    unequal: bool = Field(False, description="whether optimizers may have different numbers of candidates")


class Comparison(_Table):
    """How cells are compared with each other; declared before the runs are looked at."""

    metric: str = Field("test_error", description="a column of runs.csv, or a name in metrics.csv")
    direction: Direction | None = Field(
        None, description="whether less or more of the metric is better; known of losses and errors"
    )
    worst: float | None = Field(None, description="what a diverged run counts as, of a metric of a measure of your own")
    region: float = Field(0.005, gt=0, description="differences within ± region do not matter")
    level: float = Field(0.05, gt=0, lt=1, description="of a family: all comparisons of one factor")
    factors: list[str] = Field(default_factory=list, description="that are compared; by default every one")
    interactions: list[tuple[str, str]] | None = Field(
        None, description="of a factor's effect with another; by default of optimizer with batch_size"
    )


class StudyFile(_Table):
    """The tables and keys of a study file."""

    title: str
    source: str = ""
    default: bool = Field(True, description="of a shipped study: whether it is run where no study is named")
    seeds: Any = Field(20, description="a count, or a list")
    run: dict[str, Any] = Field(default_factory=dict)
    grid: list[dict[str, Any]] = Field(default_factory=list)
    tuning: Tuning | None = None
    comparison: Comparison = Field(default_factory=Comparison)
    table: ReportTable | None = None
    reported: list[Reported] = Field(default_factory=list)
    claim: list[Claim] = Field(default_factory=list)
    figure: list[ReportFigure] = Field(default_factory=list)


_TABLES: dict[str, type[_Table]] = {"tuning": Tuning, "comparison": Comparison, "table": ReportTable}
_LISTED: dict[str, type[_Table]] = {"reported": Reported, "claim": Claim, "figure": ReportFigure}


def checked(table: Mapping[str, Any]) -> StudyFile:
    """A study file's table, checked key by key.

    Raises:
        BadKeyError: an unknown key, a wrong type or a value that is not allowed.
    """
    for key in table:
        if key not in StudyFile.model_fields:
            raise BadKeyError(key, f"expected a key of a study, found {key!r}{nearest(key, StudyFile.model_fields)}")
    for key in ("grid", *_LISTED):
        if isinstance(table.get(key), Mapping):
            raise BadKeyError(key, f"expected [[{key}]], a list of tables, found one table, [{key}]")
    check_values(table, "")
    try:
        return StudyFile.model_validate_json(json.dumps(dict(table)))  # keys stay in the order in which they are stated
    except ValidationError as error:
        place = "".join(map(str, error.errors()[0]["loc"][:1]))  # nothing where the text is no Unicode
        known = {**_TABLES, **_LISTED}.get(place, StudyFile).model_fields
        raise first_problem(error, known=known) from error
