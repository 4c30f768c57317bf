"""Study files of any kind, for property tests: sound ones, ones with something wrong in them, texts that are none."""

import copy
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import fairgrid.experiments.config as config_room

Table = dict[str, Any]
NOUNS = ["problem", "model", "activation", "initializer", "loss", "optimizer", "schedule"]  # that have options
OPTIONS = json.loads((Path(config_room.__file__).parent / "options.json").read_text(encoding="utf-8"))
CSV = "x,y,kind\n" + "".join(f"{row},{row * row % 7},{'abc'[row % 3]}\n" for row in range(45))  # of the problem table


def examples(fast: int, slow: int) -> settings:
    """So many examples; with FAIRGRID_EXAMPLES=slow in the environment the larger number."""
    number = slow if os.environ.get("FAIRGRID_EXAMPLES") == "slow" else fast
    return settings(max_examples=number, deadline=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Raw:
    """A value as TOML's text, which Python need not be able to hold."""

    text: str


# ---- values and texts

LIKE_NUMBERS = ["1", "2019", "-1", "0.5", "1e5", "nan", "NaN", "inf", "NA", "N/A", "null", "None", "True", "false", "-"]
LIKE_NUMBERS += ["", " ", "007", "1,5", "1979-05-27", "0x10", "1_000", "=1+2", "<NA>", "#N/A", "?"]
ODD = [
    "$x_$",
    "a\nb",
    "\r",
    "\x00",
    "\x1b[2J",
    "\u202e",
    "\u2028",
    "日本語",
    "👩\u200d🔬",
    "\ufffe",
    "ﬀ",
    "\U000e0041",
    "x" * 300,
]
TEXT = (
    st.sampled_from(LIKE_NUMBERS) | st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)


def _nested(opening: str, closing: str, core: str) -> list[Raw]:
    return [Raw(opening * depth + core + closing * depth) for depth in (2, 30, 31, 32, 33, 90, 250, 500, 2000)]


# between the sizes that a machine has and those that it can fill lie many that it tries to have
NUMBERS: list[Any] = [-(2**70), -(2**63), -1, 0, 1, 2, 3, 7, 10**15, 2**62, 2**63 - 1, 2**63, 2**64, 10**400]
NUMBERS += [1e308, -1e308, 1e154, 5e-324, 1e-40, -0.0, 0.0, 0.5, 1e20, float("nan"), float("inf"), float("-inf")]
WEIRD: list[Any] = [
    *NUMBERS,
    *LIKE_NUMBERS,
    *ODD,
    *_nested("[", "]", "1"),
    *_nested("{a=", "}", "1"),
    *_nested("[{name=", "}]", "'relu'"),
    True,
    False,
    [],
    {},
    [[]],
    [{}],
    {"": 1},
    {"name": 3},
    {"name": "relu"},
    {"name": "relu", "name ": "x"},
    {"name": ["sgd"]},
    [1, "a", 2.5, [True]],
    ["relu", 3],
    [0.1, 0.1],
    [2**63],
    Raw("9" * 5000),
    Raw("-" + "9" * 4300),
    Raw("0x" + "f" * 5000),
    Raw("0b" + "1" * 20000),
    Raw("1" * 400 + ".5"),
    Raw("1e5000"),
    Raw("1e-5000"),
    Raw("1979-05-27"),
    Raw("1979-05-27T07:32:00Z"),
    Raw("1979-05-27T07:32:00.999999999999+23:59"),
    Raw("07:32:00"),
    Raw("9999-99-99"),
    Raw('"\\ud800"'),
    Raw('"\\U00110000"'),
    Raw('"a\x00b"'),
    Raw('"""a\n b"""'),
    Raw("'it's'"),
    Raw("nan"),
    Raw("-nan"),
    Raw("_1"),
    Raw("1__0"),
    Raw(""),
    Raw("{a = 1, a = 2}"),
    Raw("{a.b = 1, a = 2}"),
    Raw("[" * 3),
    Raw('"' + "x" * 10_000 + '"'),
    Raw("[" + "0, " * 3000 + "0]"),
    "x.y:Z",
    ":",
    "a:",
    ":b",
    "a:b:c",
    "os.path:join",
    "\x00:x",
    "..x:y",
    " :x",
    f"{'x' * 300}:Y",
    f"{'x.' * 300}y:Z",
    "fairgrid.framework:ReLU",
    "fairgrid.framework:SGD",
    "/",
    "/dev/null",
    "..",
    "**",
    "../*",
    "/*",
    "[",
]
WEIRD_VALUES = st.sampled_from(WEIRD) | st.integers() | st.floats().filter(lambda number: not 1e5 < abs(number) < 1e15)
WEIRD_VALUES |= TEXT | st.lists(st.sampled_from(WEIRD), max_size=3)
WEIRD_VALUES |= st.dictionaries(TEXT, st.sampled_from(WEIRD), max_size=3)
WEIRD_VALUES = WEIRD_VALUES.map(copy.deepcopy)  # what is put into a study is changed there


# ---- sound studies


def _of_type(kind: str, default: Any) -> st.SearchStrategy[Any]:
    """Values of an option, by its type in options.json."""
    if kind.startswith("Literal["):
        return st.sampled_from([part.strip(" '") for part in kind[8:-1].split(",")])
    values: dict[str, list[Any]] = {
        "int": [1, 2, 5],
        "float": [0.0, 0.1, 0.5, 0.9, 1],
        "bool": [True, False],
        "str": [""],
        "tuple[float, float]": [[0.5, 0.5], [0.1, 2.0]],
        "tuple[int, ...]": [[3], [2, 4]],
        "tuple[str, ...]": [[], ["y"]],
        "int | None": [10],
    }
    usual = [] if default is None else [default]
    return st.sampled_from([*values[kind], *usual])


@st.composite
def parts(draw: st.DrawFn, noun: str, *names: str) -> Any:
    """A component: a name, or a table of it and options from the data."""
    name = draw(st.sampled_from(names or sorted(OPTIONS[noun])))
    options = OPTIONS[noun][name]
    chosen = draw(st.lists(st.sampled_from(sorted(options)), max_size=2, unique=True)) if options else []
    given = {key: draw(_of_type(options[key]["type"], options[key].get("default"))) for key in chosen}
    return {"name": name, **given} if given or draw(st.booleans()) else name


@st.composite
def problems(draw: st.DrawFn) -> Any:
    """A problem with little data."""
    written = draw(parts("problem"))
    name = written if isinstance(written, str) else written["name"]
    given = {} if isinstance(written, str) else written
    sizes = {"train": 20, "test": 10, "validation": 10}
    table = {"path": "mine.csv", "target": "kind"} if name == "table" else {}
    return {**given, "name": name, **sizes, **table, **({"directory": ""} if name == "digit_pairs" else {})}


@st.composite
def axes(draw: st.DrawFn) -> Table:
    """One [[grid]]: lists of few values, crossed."""
    axis = {
        "optimizer": st.lists(parts("optimizer"), min_size=1, max_size=2),
        "activation": st.lists(parts("activation"), min_size=1, max_size=2),
        "initializer": st.lists(parts("initializer"), min_size=1, max_size=2),
        "batch_size": st.lists(st.sampled_from([1, 5, 10]), min_size=1, max_size=2, unique=True),
        "optimizer.learning_rate": st.lists(st.sampled_from([0.1, 0.01, 1e30]), min_size=1, max_size=2),
        "problem.train": st.lists(st.sampled_from([10, 20]), min_size=1, max_size=2),
        "engine": st.sampled_from([["framework", "compiled"], ["pytorch"], "compiled"]),
        "targets": st.just([[0.1], [0.2, 0.3]]),
        "shuffle": st.just([True, False]),
        "stopping": st.just([{"patience": 1}]),
    }
    keys = draw(st.lists(st.sampled_from(sorted(axis)), max_size=2, unique=True))
    return {key: draw(axis[key]) for key in keys}


def _first(grid: Table) -> Table:
    """Factors that name a cell: of every axis with several values, the first."""
    return {key: values[0] for key, values in grid.items() if isinstance(values, list) and len(values) > 1}


@st.composite
def reported(draw: st.DrawFn, where: Table) -> Table:
    statistic = draw(st.sampled_from(["single", "mean", ["mean", "std"]]))
    value = [draw(st.sampled_from([0, 0.1, 1, 0.25, 1e-9])) for _ in range(2 if isinstance(statistic, list) else 1)]
    texts = {key: draw(TEXT) for key in ("quote", "row", "column", "reading")}
    metric = draw(st.sampled_from(["test_error", "train_loss", "validation_error"]))
    return {**texts, "where": where, "metric": metric, "statistic": statistic, "value": value, "runs": 3}


@st.composite
def claims(draw: st.DrawFn, where: Table) -> Table:
    texts = {"quote": draw(TEXT), "reading": draw(TEXT)}
    if draw(st.booleans()):
        share = {"test": "share", "claim": draw(st.sampled_from(["at least", "at most"])), "between": [0, 0.5]}
        return {**texts, **share, "share": 0.5, "where": where, "metric": "test_error"}
    test = draw(st.sampled_from(["difference", "order", "spread"]))
    sides = {"where": where, "metric": "test_error", "against_metric": "train_error"}
    return {**texts, "test": test, "claim": "less", **sides}


@st.composite
def figures(draw: st.DrawFn, where: Table) -> Table:
    kind = draw(st.sampled_from(["curves", "data", "errors", "boundary"]))
    named = {"name": draw(st.sampled_from(["a", "b_1", "1"])), "kind": kind, "title": draw(TEXT)}
    metrics = {"metrics": ["loss", "error"]} if kind == "curves" else {}
    shown = draw(st.sampled_from([{"where": where}, {"arms": {"x": where}}]))
    return {**named, **metrics, **shown}


def _optimizers(study: Table) -> list[str]:
    """The optimizers of a study, by name."""
    listed = [study["run"].get("optimizer", "sgd")]
    stated = [grid.get("optimizer", listed) for grid in study["grid"]] or [listed]
    return sorted({each if isinstance(each, str) else each["name"] for several in stated for each in several})


@st.composite
def studies(draw: st.DrawFn) -> Table:
    """A study of few and short runs; most of these load."""
    problem = draw(problems())
    pairs = problem["name"] == "digit_pairs"
    run: Table = {"problem": problem, "batch_size": 5, "epochs": 2, "checkpoints": 1}
    run["model"] = draw(parts("model", "siamese" if pairs else "mlp"))
    if pairs:
        run["loss"] = "pair_cross_entropy"
    optional = {
        "loss": parts("loss", *(["pair_cross_entropy"] if pairs else ["mse", "summed_half_mse", "cross_entropy"])),
        "activation": parts("activation"),
        "output_activation": parts("activation"),
        "initializer": parts("initializer"),
        "optimizer": parts("optimizer"),
        "schedule": parts("schedule"),
        "engine": st.sampled_from(["framework", "compiled", "pytorch"]),
        "dtype": st.sampled_from(["float32", "float64"]),
        "shuffle": st.booleans(),
        "targets": st.lists(st.sampled_from([0.1, 0.5, 1e-9]), max_size=2, unique=True),
        "measures": st.lists(parts("measure"), max_size=2),
        "stopping": st.sampled_from([{"patience": 1}, {"patience": 2, "restore_best": True}]),
        "keep_seeds": st.sampled_from([[], [0], [0, 1]]),
    }
    for key in draw(st.lists(st.sampled_from(sorted(optional)), max_size=4, unique=True)):
        run[key] = draw(optional[key])
    grid = draw(st.lists(axes(), max_size=2))
    where = _first(grid[0]) if grid else {}
    study: Table = {"title": draw(TEXT), "seeds": draw(st.sampled_from([2, [0, 3], 3])), "run": run, "grid": grid}
    tables = {
        "source": TEXT,
        "table": st.fixed_dictionaries({"title": TEXT, "unit": st.sampled_from(["error", "accuracy %"])}),
        "comparison": st.sampled_from([{"region": 0.01}, {"metric": "train_loss", "region": 1}, {"level": 0.5}]),
        "reported": st.lists(reported(where), max_size=2),
        "claim": st.lists(claims(where), max_size=2),
        "figure": st.lists(figures(where), max_size=2),
        "tuning": st.just({"learning_rate": {name: [0.1, 1e30] for name in _optimizers(study)}, "seeds": 2}),
    }
    for key in draw(st.lists(st.sampled_from(sorted(tables)), max_size=4, unique=True)):
        study[key] = draw(tables[key])
    return study


# ---- what goes wrong

OTHER_KEYS = ["name", "seeds", "epochs", "optimizer", "optimizer.name", "model.hidden", "problem.train", "a.b.c"]
OTHER_KEYS += [
    "problem.x.y",
    "sources",
    "measures",
    "stopping.patience",
    "keep_seeds",
    "gradient_evaluations_per_sample",
]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a value, as what it is in and its key or number there."""
    if isinstance(value, dict | list):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)


@st.composite
def mutated(draw: st.DrawFn) -> Table:
    """A study with one thing changed in it, or up to three, anywhere with the same chance."""
    study = copy.deepcopy(draw(studies()))
    choice = Random(f"{study}{draw(st.integers(0, 2**32))}")  # integers alone come in clusters
    for _ in range(choice.choice([1, 1, 1, 2, 3])):
        if choice.random() < 0.3 and isinstance(study.get("run"), dict):
            _extreme_option(study["run"], choice)
            continue
        inside, key = choice.choice([*_places(study), (study, "title")])
        change = choice.choice(["replace", "replace", "replace", "remove", "add", "rename", "twice", "wrap"])
        weird = copy.deepcopy(choice.choice(WEIRD)) if choice.random() < 0.7 else draw(WEIRD_VALUES)
        if change == "replace" or key not in _keys(inside):
            inside[key] = weird
        elif change == "remove":
            del inside[key]
        elif change == "wrap":
            inside[key] = choice.choice([[inside[key]], {"name": inside[key]}, {"a": inside[key]}])
        elif change == "twice" and isinstance(inside, list):
            inside.append(copy.deepcopy(inside[key]))
        elif isinstance(inside, dict):
            name = choice.choice([*OTHER_KEYS, *LIKE_NUMBERS, *ODD])
            inside[name] = inside.pop(key) if change == "rename" else weird
    return study


def _extreme_option(run: Table, choice: Random) -> None:
    """Gives a component an option that it has, with a number at an end of what there is."""
    noun = choice.choice(NOUNS)
    name, options = choice.choice([(name, options) for name, options in OPTIONS[noun].items() if options])
    option = choice.choice(sorted(options))
    listed = options[option]["type"].startswith("tuple")
    number = choice.choice(NUMBERS)
    given = run.get(noun) if isinstance(run.get(noun), dict) and run[noun].get("name") == name else {"name": name}
    run[noun] = {**given, option: [number] * choice.choice([1, 2]) if listed else number}


def _keys(inside: Any) -> Any:
    return inside if isinstance(inside, dict) else range(len(inside))


def toml(value: Any) -> str:
    """A value as TOML, in one line."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def written(study: Table) -> str:
    """The text of a study file."""
    return "".join(f"{_quoted(key)} = {toml(value)}\n" for key, value in study.items())


@st.composite
def broken(draw: st.DrawFn) -> str:
    """The text of a study file in which characters are lost, doubled or put in."""
    text = written(draw(studies()))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 1, 5, 50])))
        piece = draw(
            st.sampled_from(["", text[start:end] * 2, "\n", "[[grid]]\n", "[run]\n", '"', "#", "\r", "\x00"]) | TEXT
        )
        text = text[:start] + piece + text[end:]
    return text


HUGE = [
    "x" * 1_000_000,
    'title = "' + "x" * 1_000_000 + '"',
    f'title = "t"\nrun.targets = [{"0.1, " * 200_000}]',
    f'title = "t"\nseeds = [{", ".join(map(str, range(100_000)))}]',
    'title = "t"\n' + "\n".join(f"key{number} = {number}" for number in range(50_000)),
    'title = "t"\n[[grid]]\n' + "\n".join(f'"a{number}" = [1, 2]' for number in range(1000)),
    'title = "t"\n' + "[[grid]]\n" * 20_000,
    f'title = "t"\n{"k" * 1_000_000} = 1',
    f"title = {'[' * 500_000}",
    f"title = {'9' * 1_000_000}",
    "title = 't'\nrun." + "a." * 2000 + "b = 1",
    "#" * 1_000_000,
    "\n" * 1_000_000,
]
BYTES = (
    (studies() | mutated() | mutated() | mutated()).map(written).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | broken().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.binary(max_size=50)
)
