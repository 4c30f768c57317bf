"""`fairgrid check`: each flaw of an own class is one line that says what is wrong with which class, and exit code 2."""

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from fairgrid.experiments.cli import main
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.contracts import estimate, estimates
from fairgrid.experiments.planning.cost_model import cost
from fairgrid.experiments.planning.plans import evaluation_plans
from fairgrid.experiments.planning.work_units import cut
from fairgrid.experiments.study.loading import load
from tests.experiments import studies

MANY = studies.TINY.replace("train = 40", "train = 600").replace("epochs = 3", "epochs = 30").replace("s = 5", "s = 40")
HERE = "tests.experiments.flawed"

# what is said of each, up to the numbers
FLAWS = {
    "Clipped": [
        "a run in a stack is not what it is alone (update is given the parameters of all runs as one flat tensor: work"
        " elementwise): parameter 0 is off by "
    ],
    "Divides": ["a step from a gradient of zero gives parameter 0 that is not finite"],
    "Ascent": ["the first step goes uphill: against the gradient it should be"],
    "Still": ["a step leaves parameter 0 as it was (update changes value in place)"],
    "Remembers": [
        "a stack that some runs leave (what is kept belongs in `state`): RuntimeError: The size of tensor a "
    ],
    "Fixed": ["twice the learning rate gives the same step (use what update is given)"],
    "Noisy": ["the same training twice is not the same (an optimizer draws nothing): "],
    "Crashes": [
        "a step: TypeError: Crashes.update() got an unexpected keyword argument 'learning_rate'",
    ],
    "WrongGradient": ["backward's gradient for x is not the derivative of forward: along a random direction it gives "],
    "TorchSigmoid": ["in float32 a run's bits depend on the stack that it is in (batches of "],
    "Unguarded": [
        "backward before forward: expected self.saved_for_backward() to raise a ValueError, 'backward needs a forward"
        " before it', found AttributeError: 'NoneType' object has no attribute 'square'"
    ],
    "Centred": [
        "a run in a stack is not what it is alone (R comes first: work on the trailing dimensions): the output is off"
        " by "
    ],
    "NaiveTanh": ["the output at x = 100 is NaN in float32"],
    "Summed": ["forward of x: expected the shape (6, 25), found (6,)"],
    "InPlace": ["forward or backward changes dy in place"],
    "Swallows": ["forward of NaN gives numbers, so that a run that diverged would pass for one that did not"],
    "Single": ["forward of x: expected torch.float64 as given, found torch.float32"],
    "Shifted": ["backward does not add to the gradient of shift: after two it is not twice that of one"],
    "Wide": [
        "a training fails: ValueError: MSELoss needs equal shapes, found prediction (3, 100, 3), target (3, 100, 2)"
    ],
    "Pooled": ["forward's loss: expected the shape (3,), found ()"],
    "Doubled": ["backward's gradient is not the derivative of the loss: along a random direction it gives "],
    "Saturates": ["forward and backward: ValueError: no derivative"],
    "Unsure": ["the loss of NaN is a number, so that a run that diverged would pass for one that did not"],
    "Global": [
        "the same draw twice is not the same (draw from the generator handed in): 75 of 75 numbers of a weight,"
    ],
    "Rounded": ["a weight: expected (25, 3) of torch.float64, found (25, 3) of torch.float32"],
    "Redrawn": ["the same sample twice is not the same (draw from fairgrid.experiments.runtime.seeding.generator): "],
    "Short": ["train: expected 40 samples in x, target and label each, found [20, 20, 20]"],
    "Ranked": ["a training depends on the runs beside it: rank of seed "],
    "Exits": ["a step: SystemExit: 3"],
    "Misnamed": ["a training fails: ValueError: the measure Misnamed says that it gives doubt, found trust"],
    "Warms": ["a training fails: RuntimeError: too warm"],
}
SOUND = {
    "SignSGD": "optimizer",
    "Softsign": "activation",
    "Net": "model",
    "Absolute": "loss",
    "Halves": "problem",
    "Doubt": "measure",
}


def checked(capsys: pytest.CaptureFixture[str], *what: str) -> tuple[int, list[str]]:
    code = main(["check", *what])
    printed = capsys.readouterr()
    assert printed.err == ""
    return code, printed.out.splitlines()


@pytest.mark.parametrize("name", FLAWS)
def test_every_flaw_is_one_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checked(capsys, f"{HERE}:{name}")
    count = len(FLAWS[name])
    assert code == 2
    assert lines[-1] == ("1 thing is wrong" if count == 1 else f"{count} things are wrong")
    assert len(lines) == count + 1
    for line, expected in zip(lines, FLAWS[name], strict=False):
        assert line.startswith(f"{HERE}:{name}: {expected}")
        assert expected.endswith((" ", ",")) or line == f"{HERE}:{name}: {expected}"


def test_sound_classes_are_found_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checked(capsys, *(f"{HERE}:{name}" for name in SOUND))
    assert code == 0
    expected = [f"{HERE}:{name}: {noun}, nothing wrong with it" for name, noun in SOUND.items()]
    assert lines == [*expected, "nothing wrong was found"]


@pytest.mark.parametrize(
    "path",
    [
        "fairgrid.framework:Adam",
        "fairgrid.framework:AdamW",
        "fairgrid.framework:SGD",
        "fairgrid.framework:ReLU",
        "fairgrid.framework:LeakyReLU",
        "fairgrid.framework:Sigmoid",
        "fairgrid.framework:Softmax",
        "fairgrid.framework:CrossEntropyLoss",
        "fairgrid.framework:BinaryCrossEntropyLoss",
        "fairgrid.framework:XavierNormal",
        "fairgrid.experiments.problems:Iris",
        "fairgrid.framework:StepDecay",
    ],
)
def test_the_library_keeps_its_own_contract(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checked(capsys, path)
    assert code == 0, lines
    assert lines[0].endswith("nothing wrong with it")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (
            "nowhere:X",
            "expected an importable module before the colon, found 'nowhere:X'"
            " (ModuleNotFoundError: No module named 'nowhere')",
        ),
        (f"{HERE}:Soft", "expected a class of tests.experiments.flawed, found 'Soft'; nearest: 'Softsign'"),
        (
            "fairgrid.framework:Parameter",
            "expected a subclass of one of Problem, Module, Initializer, Loss, Optimizer, Schedule, Measure,"
            " found <class 'fairgrid.framework.parameter.Parameter'>",
        ),
        (
            "fairgrid.experiments.problems:Table",
            "fairgrid.experiments.problems:Table.path: expected a value, found none",
        ),
        ("fairgrid.framework:Dropout", "fairgrid.framework:Dropout.rate: expected a value, found none"),
        (f"{HERE}:Unmade", f"expected a class that can be made, found of '{HERE}:Unmade': RuntimeError: no way"),
        (f"{HERE}:Fails", "expected Fails to have an integer test, found KeyError: 'test'"),
        (f"{HERE}:Unsized", "expected Unsized to have an integer test, found none"),
    ],
)
def test_what_is_no_part_is_one_line(path: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checked(capsys, path)
    assert code == 2
    assert lines == [expected if expected.startswith(path) else f"{path}: {expected}", "1 thing is wrong"]


def test_an_option_that_no_study_can_state_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = checked(capsys, f"{HERE}:Typed")
    assert code == 2
    said = f"{HERE}:Typed: expected options of types that a study can state, found of '{HERE}:Typed': Pydantic"
    assert lines[0].startswith(said)
    assert checked(capsys, f"{HERE}:Handed")[0] == 0


def test_a_measure_that_gives_no_number_per_run_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = studies.TINY.replace("[run]", f'[run]\nmeasures = ["{HERE}:Long"]', 1).replace("seeds = 5", "seeds = 8")
    code, lines = checked(capsys, studies.write(tmp_path, text))
    assert code == 2
    what = "the measure Long needs a number per run for first, "
    assert any(f"a training fails: ValueError: {what}" in line for line in lines)


OWN = f"""
title = "Own"
seeds = 3
[run]
problem = {{ name = "disk", train = 40, test = 30, validation = 20 }}
model = {{ name = "mlp", hidden = [4] }}
epochs = 3
checkpoints = 2
[[grid]]
optimizer = ["{HERE}:SignSGD", {{ name = "{HERE}:SignSGD", learning_rate = 0.01 }}, "sgd"]
activation = ["relu", "{HERE}:Softsign"]
[tuning]
learning_rate = {{ sgd = [0.1, 0.01], "{HERE}:SignSGD" = [0.1, 0.001] }}
seeds = 2
"""


def test_a_study_is_counted_timed_and_its_classes_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = studies.write(tmp_path, OWN)
    code, lines = checked(capsys, study, "--jobs", "1")
    assert code == 0
    spent = lines.pop(-2)
    assert lines == [
        f"{HERE}:Softsign: activation, nothing wrong with it",
        f"{HERE}:SignSGD(learning_rate=0.01): optimizer, nothing wrong with it",
        f"{HERE}:SignSGD(learning_rate=0.1): optimizer, nothing wrong with it",
        "nothing wrong was found",
    ]
    # 4 tuned cells by 2 rates by 2 seeds, and 6 cells by 3
    assert spent == f"{study}: 34 runs of 10 configurations; about 1 s of training on 1 core, as 1 shape of them took"
    assert not list(tmp_path.glob("*/"))


@pytest.mark.parametrize(("options", "answer"), [("", "3 classes"), ('task = "regression", ', "a number to predict")])
def test_what_a_file_is_taken_for_is_said(
    options: str, answer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("x,y,kind\n" + "".join(f"{i},{i * i},{i % 3}\n" for i in range(40)), encoding="utf-8")
    problem = f'{{ name = "table", {options}path = "{file}", target = "kind", validation = 0 }}'
    text = studies.TINY.replace('{ name = "disk", train = 40, test = 30, validation = 20 }', problem)
    _, lines = checked(capsys, studies.write(tmp_path, text))
    assert lines[0] == f"{file}: 40 rows, 2 features, {answer}; 30 rows to train, 0 to validate, 10 to test"


def test_what_an_engine_has_no_peer_for_is_found_before_a_grid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = OWN[: OWN.index("[tuning]")].replace("epochs = 3", 'epochs = 3\nengine = "pytorch"')
    code, lines = checked(capsys, studies.write(tmp_path, text))
    assert code == 2
    peer = "SignSGD has no peer in torch: add one to OPTIMIZERS in fairgrid/torch_peers.py"
    assert f"{HERE}:SignSGD: a training fails: ValueError: {peer}" in lines


def test_every_study_and_class_is_checked_whatever_is_wrong_with_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = studies.write(tmp_path, studies.TINY.replace("epochs", "epoch"))
    code, lines = checked(capsys, broken, f"{HERE}:Ascent", f"{HERE}:SignSGD", "optimisers")
    assert code == 2
    assert lines == [
        f"{broken}: run.epoch: expected a key of a run, found 'epoch'; nearest: 'epochs'",
        f"{HERE}:Ascent: the first step goes uphill: against the gradient it should be",
        f"{HERE}:SignSGD: optimizer, nothing wrong with it",
        "expected a shipped study or a path ending in .toml, found 'optimisers'; nearest: 'optimizers'",
        "3 things are wrong",
    ]


def test_the_estimate_is_exact_where_a_training_costs_what_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that only training moves: by what a chunk needs to start, an epoch by its expected cost, a look."""
    clock = [0.0]

    def costs(configs: Sequence[RunConfig], seeds: Sequence[int]) -> None:
        looks = min(configs[0].checkpoints, configs[0].epochs)
        clock[0] += cost(configs[0], len(seeds)) + 0.01 * looks * cost(configs[0].shortened(1, 1), len(seeds))

    monkeypatch.setattr(estimates, "train", costs)
    monkeypatch.setattr(estimates.time, "process_time", lambda: clock[0])
    study = load(studies.write(tmp_path, MANY))
    estimated = estimate(study, jobs=2)
    assert (estimated.runs, estimated.configurations, estimated.shapes) == (160, 4, 1)
    start = clock[0]
    for chunk in cut([plan.run for plan in evaluation_plans(study, {}, "portable")]):
        costs([run.config for run in chunk.runs], [run.seed for run in chunk.runs])
    assert estimated.alone == pytest.approx(clock[0] - start)
    assert estimated.alone / 2 <= estimated.together <= estimated.alone


@pytest.mark.takes_minutes
def test_the_estimate_is_of_the_right_size(tmp_path: Path) -> None:
    study = studies.write(tmp_path, MANY)
    estimated = estimate(load(study), jobs=2)
    start = time.process_time()
    studies.run(tmp_path / "results", study)
    assert estimated.alone / 6 < time.process_time() - start < 6 * estimated.alone
