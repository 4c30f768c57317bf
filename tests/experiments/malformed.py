"""Malformed studies, each with the line that a user reads: key, what was expected and what was found."""

from typing import Any

from tests.experiments.studies import TINY, TUNED

DISK = '{ name = "disk", train = 40, test = 30, validation = 20 }'

# of the study TINY: a reported number, a claim and a figure without fault
REPORTED = {
    "where": '{ optimizer = { name = "adam", learning_rate = 0.01 }, activation = "relu" }',
    "metric": '"test_error"',
    "statistic": '"single"',
    "value": "0.1",
    "runs": "1",
    "quote": '"q"',
    "row": '"r"',
    "column": '"c"',
}
CLAIM = {
    "where": REPORTED["where"],
    "against": '{ optimizer = { name = "adam", learning_rate = 0.01 }, activation = "tanh" }',
    "test": '"difference"',
    "metric": '"test_error"',
    "claim": '"less"',
    "quote": '"q"',
}
FIGURE = {"name": '"f"', "kind": '"curves"', "title": '"t"', "metrics": '["loss"]'}
NUMBER = """
[[reported]]
row = "r"
column = "c"
metric = "test_error"
runs = 1
quote = "q"
"""


def edited(*changes: str) -> str:
    """TINY with texts replaced: old, new, old, new …"""
    text = TINY
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    return text


def run(line: str) -> str:
    """TINY with a line more in [run]."""
    return edited("[[grid]]", f"{line}\n[[grid]]")


def listed(heading: str, whole: dict[str, str], changes: dict[str, Any]) -> str:
    """TINY with a table; an empty value leaves its key out."""
    lines = "\n".join(f"{key} = {value}" for key, value in {**whole, **changes}.items() if value)
    return f"{TINY}\n[[{heading}]]\n{lines}\n"


def reported(**changes: str) -> str:
    return listed("reported", REPORTED, changes)


def claim(**changes: str) -> str:
    return listed("claim", CLAIM, changes)


def share(**changes: str) -> str:
    whole = {"test": '"share"', "claim": '"at most"', "against": "", "between": "[0, 1]", "share": "0.5"}
    return claim(**{**whole, **changes})


def figure(**changes: str) -> str:
    return listed("figure", FIGURE, changes)


MALFORMED = {
    "unknown key of a study": (
        'sedes = 3\ntitle = "t"',
        "sedes: expected a key of a study, found 'sedes'; nearest: 'seeds'",
    ),
    "no title": ("seeds = 3", "title: expected a value, found none"),
    "unknown key of a run": (
        edited("epochs = 3", "epoch = 3"),
        "run.epoch: expected a key of a run, found 'epoch'; nearest: 'epochs'",
    ),
    "misspelt optimizer": (
        edited('"adam"', '"adma"'),
        "grid[0].optimizer[1]: expected the name of a known optimizer, found 'adma'; nearest: 'adam'",
    ),
    "misspelt option": (
        edited("learning_rate = 0.1", "learning_rat = 0.1"),
        "grid[0].optimizer[0].learning_rat: expected an option of optimizer 'sgd', found 'learning_rat'; "
        "nearest: 'learning_rate'",
    ),
    "negative learning rate": (
        edited("learning_rate = 0.1", "learning_rate = -0.1"),
        "grid[0].optimizer[0]: SGD needs a finite learning_rate ≥ 0, found -0.1",
    ),
    "learning rate as text": (
        edited("learning_rate = 0.1", 'learning_rate = "0.1"'),
        "grid[0].optimizer[0].learning_rate: expected a number, found '0.1'",
    ),
    "batch size 0": (edited("batch_size = 10", "batch_size = 0"), "run.batch_size: expected a value ≥ 1, found 0"),
    "batch size beyond the data": (
        edited("batch_size = 10", "batch_size = 41"),
        "run.batch_size: expected at most problem.train (40), found 41",
    ),
    "fractional batch size": (
        edited("batch_size = 10", "batch_size = 2.5"),
        "run.batch_size: expected an integer, found 2.5",
    ),
    "empty grid": (
        edited('["relu", "tanh"]', "[]"),
        "grid[0].activation: expected at least one value, found an empty list",
    ),
    "wrong type in a dotted key": (
        edited("model.hidden = [4]", "model.hidden = 4"),
        "run.model.hidden: expected a list, found 4",
    ),
    "dotted key of a grid": (
        TINY + "problem.radius = [0.3, -1.0]",
        "grid[0].problem.radius[1]: disk needs radius > 0, found -1",
    ),
    "activations that do not fit": (
        edited('["relu", "tanh"]', '[["relu", "tanh"]]'),
        "run.model: mlp needs one activation or one per hidden layer (1), found 2",
    ),
    "comparison by a metric that no run has": (
        TINY + '[comparison]\nmetric = "test_eror"\nregion = 0.1\n',
        "comparison.metric: expected a metric of the runs, found 'test_eror'; nearest: 'test_error'",
    ),
    "comparison by what the study does not measure": (
        TINY + '[comparison]\nmetric = "dead_units"\nregion = 0.1\n',
        "comparison.metric: expected a metric of the runs, found 'dead_units'; known: gradient_evaluations, steps,"
        " test_error, test_loss, train_error, train_loss, validation_error, validation_loss",
    ),
    "comparison in a unit of its own without a region": (
        run("targets = [0.1]") + '[comparison]\nmetric = "epochs_to_0.1"\n',
        "comparison.region: expected differences that do not matter, as epochs_to_0.1 has a unit of its own,"
        " found none",
    ),
    "table without its target": (
        edited(DISK, '{ name = "table", path = "mine.csv" }'),
        "run.problem.target: expected a value, found none",
    ),
    "table that is not there": (
        edited(DISK, '{ name = "table", path = "/none/mine.csv", target = "kind" }'),
        "run.problem: /none/mine.csv: expected a readable file, found No such file or directory",
    ),
    "table with a misspelt task": (
        edited(DISK, '{ name = "table", path = "mine.csv", target = "kind", task = "regresion" }'),
        "run.problem.task: expected 'classification' or 'regression', found 'regresion'",
    ),
    "dotted path that does not import": (
        edited('"relu"', '"nowhere.at_all:Swish"'),
        "grid[0].activation[0]: expected an importable module before the colon, found 'nowhere.at_all:Swish' "
        "(ModuleNotFoundError: No module named 'nowhere')",
    ),
    "dotted path to no class": (
        edited('"relu"', '"fairgrid.framework:ReLu"'),
        "grid[0].activation[0]: expected a class of fairgrid.framework, found 'ReLu'; nearest: 'ReLU'",
    ),
    "dotted path to another kind": (
        edited('"relu"', '"fairgrid.framework:SGD"'),
        "grid[0].activation[0]: expected a subclass of Module at 'fairgrid.framework:SGD', "
        "found <class 'fairgrid.framework.optimizers.sgd.SGD'>",
    ),
    "epochs twice": (
        edited("epochs = 3", "epochs = 3\ngradient_evaluations_per_sample = 3"),
        "run.gradient_evaluations_per_sample: expected it or epochs, which mean the same, found both",
    ),
    "no seeds": (
        edited("seeds = 5", "seeds = 0"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found 0",
    ),
    "a seed twice": (edited("seeds = 5", "seeds = [1, 1]"), "seeds: expected different seeds, found [1, 1]"),
    "a tuning seed": (
        edited("seeds = 5", "seeds = [100000000]"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found [100000000]",
    ),
    "seeds of a grid": (
        TINY + "seeds = true",
        "grid[0].seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found True",
    ),
    "not a number": (
        edited("learning_rate = 0.1", "learning_rate = nan"),
        "grid[0].optimizer[0].learning_rate: expected a finite number, found nan",
    ),
    "tuning without validation": (
        edited("validation = 20", "validation = 0").replace("learning_rate = 0.1", "momentum = 0.5")
        + "[tuning]\nlearning_rate = { sgd = [0.1, 0.2] }",
        "run.problem.validation: expected ≥ 1, as [tuning] selects on validation error, found 0",
    ),
    "tuning of an optimizer that is not there": (
        TINY + "[tuning]\nlearning_rate = { adam = [0.1], sdg = [0.1] }",
        "tuning.learning_rate.sdg: expected an optimizer of the grid, found 'sdg'; nearest: 'sgd'",
    ),
    "no rates to choose from": (
        TINY + "[tuning]\nlearning_rate = { adam = [] }",
        "tuning.learning_rate.adam: expected different rates > 0, found []",
    ),
    "untuned optimizer in a tuned study": (
        edited("learning_rate = 0.1", "momentum = 0.5") + "[tuning]\nlearning_rate = { adam = [0.1] }",
        "tuning.learning_rate: expected rates for the grid's optimizer 'sgd', found none",
    ),
    "unequal budgets": (
        TUNED.replace("[0.1, 1e30]", "[0.1]"),
        "tuning.learning_rate: expected as many rates for every optimizer, or unequal = true, found sgd 2, momentum 1",
    ),
    "reported number of no cell": (
        TINY + NUMBER + 'where = { optimizer = "nesterov" }\nstatistic = "single"\nvalue = 0.1',
        'reported[0].where.optimizer: expected a value that it has in the study ({"learning_rate":0.1,"name":"sgd"}, '
        '{"learning_rate":0.01,"name":"adam"}), found \'nesterov\'',
    ),
    "reported number of several cells": (
        TINY + NUMBER + 'where = { activation = "relu" }\nstatistic = "single"\nvalue = 0.1',
        "reported[0].where: expected factors (activation, optimizer) of one cell, found 2 cells",
    ),
    "a value too few": (
        TINY + NUMBER + 'where = {}\nstatistic = ["mean", "std"]\nvalue = 0.1',
        "reported[0]: expected a value per statistic (2), found 1",
    ),
    "unknown metric": (
        TINY + NUMBER.replace("test_error", "accuracy") + 'where = {}\nstatistic = "single"\nvalue = 0.1',
        "reported[0].metric: expected 'train_loss', 'train_error', 'validation_error', 'test_loss' or 'test_error', "
        "found 'accuracy'",
    ),
    "malformed TOML": ("title = ", "expected TOML, found: Invalid value (at end of document)"),
    "key twice": (
        edited("seeds = 5", "seeds = 5\nseeds = 6"),
        "expected TOML, found: Cannot overwrite a value (at line 4, column 10)",
    ),
    "integer of too many digits": (
        edited("seeds = 5", f"seeds = {'9' * 5000}"),
        "expected TOML, found an integer of more digits than are read",
    ),
    "integer beyond 64 bits": (
        edited("seeds = 5", "seeds = 0x" + "f" * 20),
        "seeds: expected an integer of 64 bits, found one of 80",
    ),
    "integer beyond 64 bits for a number": (
        edited("learning_rate = 0.1", f"learning_rate = 1{'0' * 400}"),
        "grid[0].optimizer[0].learning_rate: expected an integer of 64 bits, found one of 1,329",
    ),
    "lists nested deeper than Python calls": (
        edited("seeds = 5", f"seeds = {'[' * 2000}{']' * 2000}"),
        "expected TOML, found lists or tables that are nested too deep",
    ),
    "lists nested too deep": (
        edited("seeds = 5", f"seeds = {'[' * 33}{']' * 33}"),
        f"seeds{'[0]' * 32}: expected tables and lists nested at most 32 deep, found more",
    ),
    "tables nested too deep": (
        edited("epochs = 3", f"{'a.' * 40}b = 5"),
        f"run{'.a' * 32}: expected tables and lists nested at most 32 deep, found more",
    ),
    "more runs than a study may have": (
        edited("seeds = 5", "seeds = 100000000"),
        "grid[0]: expected at most 10,000,000 runs in a study, found 400,000,000 up to here",
    ),
    "more configurations than a study may have": (
        TINY
        + "\n".join(f"{key} = {list(range(1, 401))}" for key in ("epochs", "checkpoints"))
        + "\nbatch_size = [1, 2]",
        "grid[0]: expected at most 1,000,000 configurations in a study, found 1,280,000 up to here",
    ),
    "more tuning runs than a study may have": (
        TUNED.replace("seeds = 3", "seeds = 9000000000000000000"),
        "tuning.seeds: expected at most 10,000,000 tuning runs in a study, found 36,000,000,000,000,000,000 up to here",
    ),
    "radius whose square overflows": (
        edited("train = 40", "train = 40, radius = 1e308"),
        "run.problem: disk needs a radius whose square is finite, found 1e+308",
    ),
    "data that fit no memory": (
        edited("test = 30", "test = 4611686018427387904"),
        "run.problem: expected a problem whose data can be had, found:"
        " RuntimeError: Storage size calculation overflowed with sizes=[4611686018427387904, 2]",
    ),
    "pattern of files from the root": (
        run('sources = ["/*"]'),
        "run.sources: expected patterns of files beside the study, found Non-relative patterns are unsupported",
    ),
    "key of two lines": (
        '"a\\nb" = 3',
        "a b: expected a key of a study, found 'a\\nb'; nearest: 'table'",
    ),
    "text without its end": (
        edited('"Tiny"', '"Tiny'),
        "expected TOML, found: Illegal character '\\n' (at line 2, column 14)",
    ),
    "table and value": (
        TINY + "optimizer.x = 3",
        "expected TOML, found: Cannot mutate immutable namespace ('grid', 'optimizer') (at end of document)",
    ),
    "empty file": ("", "title: expected a value, found none"),
    "title that is a number": (edited('"Tiny"', "3"), "title: expected a string, found 3"),
    "title that is a date": (
        edited('"Tiny"', "1979-05-27"),
        "title: expected a string, number, boolean, list or table, found the date or time 1979-05-27",
    ),
    "fractional seeds": (
        edited("seeds = 5", "seeds = 2.5"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found 2.5",
    ),
    "seeds as text": (
        edited("seeds = 5", 'seeds = "5"'),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found '5'",
    ),
    "negative seeds": (
        edited("seeds = 5", "seeds = -1"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found -1",
    ),
    "list of no seeds": (
        edited("seeds = 5", "seeds = []"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found []",
    ),
    "more seeds than there are": (
        edited("seeds = 5", "seeds = 1000000000"),
        "seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found 1000000000",
    ),
    "fractional seeds of a grid": (
        TINY + "seeds = [1.5]",
        "grid[0].seeds: expected a count ≥ 1 or a list of seeds in [0, 100000000), found [1.5]",
    ),
    "grid that is one table": (
        edited("[[grid]]", "[grid]"),
        "grid: expected [[grid]], a list of tables, found one table, [grid]",
    ),
    "run that is a list": ('title = "t"\nrun = [1]', "run: expected a table, found [1]"),
    "unknown problem": (
        edited('"disk"', '"disc"'),
        "run.problem: expected the name of a known problem, found 'disc'; nearest: 'disk'",
    ),
    "problem that is a number": (edited(DISK, "3"), "run.problem: expected a name or a table with a name, found 3"),
    "problem without a name": (
        edited('name = "disk", ', ""),
        "run.problem: expected a name or a table with a name, found {'train': 40, 'test': 30, 'validation': 20}",
    ),
    "no training points": (edited("train = 40", "train = 0"), "run.problem: disk needs train ≥ 2, found 0"),
    "training points as text": (
        edited("train = 40", 'train = "40"'),
        "run.problem.train: expected an integer, found '40'",
    ),
    "negative validation points": (
        edited("validation = 20", "validation = -1"),
        "run.problem: disk needs validation ≥ 0, found -1",
    ),
    "center of three numbers": (
        edited("train = 40", "train = 40, center = [0.5, 0.5, 0.5]"),
        "run.problem.center: expected at most 2 items, found [0.5, 0.5, 0.5]",
    ),
    "unknown encoding": (
        edited("train = 40", 'train = 40, encoding = "onehot"'),
        "run.problem.encoding: expected 'one_hot', 'signed' or 'soft', found 'onehot'",
    ),
    "layer without units": (edited("[4]", "[0]"), "run.model: mlp needs hidden widths ≥ 1, found [0]"),
    "fractional width": (edited("[4]", "[4.5]"), "run.model.hidden[0]: expected an integer, found 4.5"),
    "unknown model": (
        edited('"mlp"', '"mpl"'),
        "run.model: expected the name of a known model, found 'mpl'; nearest: 'mlp'",
    ),
    "option that a model does not have": (
        run("model.dropout = 0.5"),
        "run.model.dropout: expected an option of model 'mlp', found 'dropout'; known: bias, hidden",
    ),
    "bias that is a number": (run("model.bias = 1"), "run.model.bias: expected true or false, found 1"),
    "unknown initializer": (
        run('initializer = "xavier"'),
        "run.initializer: expected the name of a known initializer, found 'xavier'; nearest: 'xavier_normal'",
    ),
    "unknown loss": (run('loss = "mae"'), "run.loss: expected the name of a known loss, found 'mae'; nearest: 'mse'"),
    "unknown reduction": (
        run('loss = { name = "mse", reduction = "avg" }'),
        "run.loss.reduction: expected 'mean' or 'sum', found 'avg'",
    ),
    "negative scale": (run('loss = { name = "mse", scale = -1.0 }'), "run.loss: MSELoss needs scale > 0, found -1.0"),
    "optimizer without a name": (
        edited('name = "sgd", ', ""),
        "grid[0].optimizer[0]: expected a name or a table with a name, found {'learning_rate': 0.1}",
    ),
    "beta beyond 1": (
        edited("learning_rate = 0.01", "beta1 = 2.0"),
        "grid[0].optimizer[1]: Adam needs beta1 in [0, 1), found 2",
    ),
    "learning rate that is a list": (
        edited("learning_rate = 0.1", "learning_rate = [0.1]"),
        "grid[0].optimizer[0].learning_rate: expected a number, found [0.1]",
    ),
    "negative epochs": (edited("epochs = 3", "epochs = -3"), "run.epochs: expected a value ≥ 1, found -3"),
    "epochs that are true": (edited("epochs = 3", "epochs = true"), "run.epochs: expected an integer, found True"),
    "endless epochs": (edited("epochs = 3", "epochs = inf"), "run.epochs: expected an integer, found inf"),
    "epochs by their other name": (
        edited("epochs = 3", "gradient_evaluations_per_sample = 0"),
        "run.epochs: expected a value ≥ 1, found 0",
    ),
    "shuffle as text": (run('shuffle = "yes"'), "run.shuffle: expected true or false, found 'yes'"),
    "no checkpoints": (edited("checkpoints = 2", "checkpoints = 0"), "run.checkpoints: expected a value ≥ 1, found 0"),
    "unknown engine": (
        run('engine = "torch"'),
        "run.engine: expected 'framework', 'compiled' or 'pytorch', found 'torch'",
    ),
    "target that is no list": (run("targets = 0.1"), "run.targets: expected a list, found 0.1"),
    "unknown measure": (
        run('measures = ["borders"]'),
        "run.measures[0]: expected the name of a known measure, found 'borders'; nearest: 'border'",
    ),
    "unknown schedule": (
        run('schedule = "exponential"'),
        "run.schedule: expected the name of a known schedule, found 'exponential'; known: constant,"
        " cosine, plateau, step",
    ),
    "factor of a schedule": (
        run('schedule = { name = "step", factor = -1.0 }'),
        "run.schedule: StepDecay needs factor in (0, 1], found -1",
    ),
    "stopping without patience": (run("stopping = {}"), "run.stopping.patience: expected a value, found none"),
    "unknown key of stopping": (
        run("stopping = { patience = 1, restore = true }"),
        "run.stopping.restore: expected a known key, found 'restore'; nearest: 'restore_best'",
    ),
    "no patience": (run("stopping = { patience = 0 }"), "run.stopping.patience: expected a value ≥ 1, found 0"),
    "stopping without validation": (
        edited("validation = 20", "validation = 0", "epochs = 3", "epochs = 3\nstopping = { patience = 1 }"),
        "run.stopping: expected problem.validation ≥ 1, as it watches the validation loss, found 0",
    ),
    "plateau without validation": (
        edited("validation = 20", "validation = 0", "epochs = 3", 'epochs = 3\nschedule = "plateau"'),
        "run.schedule: expected problem.validation ≥ 1, as it watches the validation loss, found 0",
    ),
    "unknown dtype": (run('dtype = "float16"'), "run.dtype: expected 'float32' or 'float64', found 'float16'"),
    "kept seed that is no list": (run("keep_seeds = 0"), "run.keep_seeds: expected a list of seeds, found 0"),
    "slope beyond 1": (
        edited('"relu"', '{ name = "leaky_relu", alpha = 2.0 }'),
        "grid[0].activation[0]: LeakyReLU needs alpha in [0, 1), found 2.0",
    ),
    "activation with another key": (
        edited('"relu"', '{ nam = "relu" }'),
        "grid[0].activation[0]: expected a name or a table with a name, found {'nam': 'relu'}",
    ),
    "several activations after the last layer": (
        run('output_activation = ["relu", "tanh"]'),
        "run.output_activation: expected a name or a table with a name, found ['relu', 'tanh']",
    ),
    "dotted path without a module": (
        edited('"relu"', '":x"'),
        "grid[0].activation[0]: expected an importable module before the colon, found ':x' (ModuleNotFoundError:"
        " No module named '')",
    ),
    "model of another problem": (
        edited('model.name = "mlp"\nmodel.hidden = [4]', 'model = "siamese"'),
        "run.model: expected a model that the problem's data fit, found: Graph operator 'first':"
        " Conv2d's parameter is (1, 32, 1, 3, 3), which does not fit x of shape (1, 2, 2)",
    ),
    "model of points for images": (
        edited(DISK, '"digit_pairs"'),
        "run.model: expected a model that the problem's data fit, found: Linear's parameter is (1, 8,"
        " 4), which does not fit x of shape (1, 2, 2, 8, 8)",
    ),
    "loss of several outputs": (
        run('loss = "pair_cross_entropy"'),
        "run.loss: expected a loss that the prediction and the target fit, found: WeightedSum needs a"
        " prediction and a target for each of 3 losses, found 1 and 1",
    ),
    "measure that the model does not have": (
        edited('["relu", "tanh"]', '["tanh"]', "epochs = 3", 'epochs = 3\nmeasures = ["dead_units"]'),
        "run.measures: expected measures that the model and the problem have, found: the measure"
        " dead_units needs ReLU or LeakyReLU layers, found none",
    ),
    "unknown key of a grid": (
        TINY + "epoch = [3]",
        "grid[0].epoch[0]: expected a key of a run, found 'epoch'; nearest: 'epochs'",
    ),
    "unknown option in a dotted key": (
        TINY + "problem.radiuss = [0.3]",
        "grid[0].problem.radiuss[0]: expected an option of problem 'disk', found 'radiuss'; nearest: 'radius'",
    ),
    "dotted key into a number": (
        TINY + "epochs.x = [0.3]",
        "grid[0].epochs.x[0]: expected 'epochs' to be a table that 'epochs.x' reaches into, found 3",
    ),
    "dotted key into nothing": (
        TINY + "optimiser.momentum = [0.3]",
        "grid[0].optimiser.momentum[0]: expected a key of a run, found 'optimiser'; nearest: 'optimizer'",
    ),
    "empty table in a grid": (
        TINY + "problem = {}",
        "grid[0].problem: expected at least one key, found an empty table",
    ),
    "list in a list": (TINY + "batch_size = [[1]]", "grid[0].batch_size[0]: expected an integer, found [1]"),
    "tuning that is a number": (edited("seeds = 5", "seeds = 5\ntuning = 5"), "tuning: expected a table, found 5"),
    "tuning without rates": (TINY + "[tuning]\nseeds = 2", "tuning.learning_rate: expected a value, found none"),
    "misspelt rates": (
        TINY + "[tuning]\nlearnin_rate = { sgd = [0.1] }",
        "tuning.learnin_rate: expected a known key, found 'learnin_rate'; nearest: 'learning_rate'",
    ),
    "no tuning seeds": (
        TINY + "[tuning]\nseeds = 0\nlearning_rate = { sgd = [0.1] }",
        "tuning.seeds: expected a value ≥ 1, found 0",
    ),
    "rates of no optimizer": (
        TINY + "[tuning]\nlearning_rate = [0.1]",
        "tuning.learning_rate: expected a table, found [0.1]",
    ),
    "rate twice": (
        TINY + "[tuning]\nlearning_rate = { sgd = [0.1, 0.1] }",
        "tuning.learning_rate.sgd: expected different rates > 0, found [0.1, 0.1]",
    ),
    "rate as text": (
        TINY + '[tuning]\nlearning_rate = { sgd = ["a"] }',
        "tuning.learning_rate.sgd[0]: expected a number, found 'a'",
    ),
    "unit of a table": (
        TINY + '[table]\ntitle = "t"\nunit = "percent"',
        "table.unit: expected 'error', 'error %', 'accuracy' or 'accuracy %', found 'percent'",
    ),
    "unknown key of a table": (
        TINY + '[table]\ntitle = "t"\nunits = "error"',
        "table.units: expected a known key, found 'units'; nearest: 'unit'",
    ),
    "reported number of an unknown factor": (
        reported(where='{ optimiser = "adam" }'),
        "reported[0].where.optimiser: expected a factor of the study, found 'optimiser'; nearest: 'optimizer'",
    ),
    "reported number of an unknown value": (
        reported(where='{ activation = "sigmoid" }'),
        'reported[0].where.activation: expected a value that it has in the study ("relu", "tanh"), found \'sigmoid\'',
    ),
    "reported number of an unknown name": (
        reported(where='{ activation = "rleu" }'),
        "reported[0].where.activation: expected the name of a known activation, found 'rleu'; nearest: 'relu'",
    ),
    "reported number of no table": (reported(where="3"), "reported[0].where: expected a table, found 3"),
    "unknown statistic": (
        reported(statistic='"median"'),
        "reported[0].statistic[0]: expected 'single', 'mean' or 'std', found 'median'",
    ),
    "statistics in another order": (
        reported(statistic='["std", "mean"]', value="[0.1, 0.2]"),
        "reported[0]: expected a statistic (single, mean, std, mean and std), found std and mean",
    ),
    "std of one run": (
        reported(statistic='"std"'),
        "reported[0]: expected runs ≥ 2, as there is no std of fewer, found 1",
    ),
    "number of no runs": (reported(runs="0"), "reported[0].runs: expected a value ≥ 1, found 0"),
    "number as text": (reported(value='"0.1"'), "reported[0].value[0]: expected a number, found '0.1'"),
    "number in percent": (
        reported(value="12.0"),
        "reported[0]: expected values of test_error in [0, 1], as errors are fractions, found [12.0]",
    ),
    "number without its quote": (reported(quote=""), "reported[0].quote: expected a value, found none"),
    "unknown key of a reported number": (
        reported(statistics="1"),
        "reported[0].statistics: expected a known key, found 'statistics'; nearest: 'statistic'",
    ),
    "reported number that is one table": (
        reported().replace("[[reported]]", "[reported]"),
        "reported: expected [[reported]], a list of tables, found one table, [reported]",
    ),
    "reported number that the report's table cannot show": (
        reported(metric='"validation_error"') + '[table]\ntitle = "t"\n',
        "reported[0].metric: expected 'train_error' or 'test_error', which [table] shows, found 'validation_error'",
    ),
    "no primary reading": (
        reported(primary="false"),
        "reported[0].primary: expected one primary reading of 'q', found 0",
    ),
    "unknown test": (
        claim(test='"differ"'),
        "claim[0].test: expected 'share', 'difference', 'order' or 'spread', found 'differ'",
    ),
    "claim of another test": (
        claim(claim='"at least"'),
        "claim[0]: expected claim 'less' or 'equivalent' for difference, found 'at least'",
    ),
    "claim against nothing": (claim(against=""), "claim[0]: expected against or against_metric, found neither"),
    "claim against an unknown value": (
        claim(against='{ activation = "sigmoid" }'),
        'claim[0].against.activation: expected a value that it has in the study ("relu", "tanh"), found \'sigmoid\'',
    ),
    "claim of several cells": (
        claim(where='{ activation = "relu" }'),
        "claim[0].where: expected factors (activation, optimizer) of one cell, found 2 cells",
    ),
    "share without a range": (share(between=""), "claim[0]: expected between, as the test is a share, found none"),
    "range from high to low": (
        share(between="[1, 0]"),
        "claim[0]: expected between from low to high, found [1.0, 0.0]",
    ),
    "share beyond 1": (share(share="1.5"), "claim[0].share: expected a value < 1.0, found 1.5"),
    "no region": (claim(claim='"equivalent"', region="0.0"), "claim[0].region: expected a value > 0.0, found 0.0"),
    "unknown key of a claim": (
        claim(regions="0.1"),
        "claim[0].regions: expected a known key, found 'regions'; nearest: 'region'",
    ),
    "unknown kind of figure": (
        figure(kind='"curve"'),
        "figure[0].kind: expected 'data', 'errors', 'boundary' or 'curves', found 'curve'",
    ),
    "unknown metric of a figure": (
        figure(metrics='["los"]'),
        "figure[0].metrics[0]: expected 'loss', 'error' or 'accuracy', found 'los'",
    ),
    "file name of a figure": (figure(name='"F 1"'), "figure[0].name: expected text like ^[a-z0-9_]+$, found 'F 1'"),
    "two figures of one name": (
        figure() + '[[figure]]\nname = "f"\nkind = "curves"\ntitle = "t"\nmetrics = ["loss"]\n',
        "figure[1].name: expected different names, found 'f' twice",
    ),
    "points without a seed": (
        figure(kind='"data"', metrics=""),
        "run.keep_seeds: expected a seed for the figure 'f' of points, found none",
    ),
    "metrics of points": (
        figure(kind='"data"'),
        "figure[0]: expected no metrics for a figure of kind 'data', found ['loss']",
    ),
    "curves of nothing": (figure(metrics=""), "figure[0]: expected metrics for curves, found []"),
    "figure of no cell": (
        figure(where='{ activation = "sigmoid" }'),
        'figure[0].where.activation: expected a value that it has in the study ("relu", "tanh"), found \'sigmoid\'',
    ),
    "arm of two cells": (
        figure(arms='{ a = { activation = "relu" } }'),
        "figure[0].arms.a: expected factors of one cell, found 2 cells",
    ),
    "no parts": (figure(parts="[]"), "figure[0].parts: expected at least 1 item, found []"),
    "misspelt key of a figure": (
        figure(metric="1"),
        "figure[0].metric: expected a known key, found 'metric'; nearest: 'metrics'",
    ),
}
