"""Every ValueError of framework/ states the requirement and what was found; its whole message is here."""

import ast
import tempfile
from pathlib import Path

import pytest
import torch

from fairgrid import framework
from fairgrid.framework import (
    SGD,
    Adam,
    AdamW,
    BatchNorm,
    BinaryCrossEntropyLoss,
    Buffer,
    Concatenate,
    Conv2d,
    CosineDecay,
    CrossEntropyLoss,
    Dropout,
    EarlyStopping,
    Flatten,
    Graph,
    Identity,
    LeakyReLU,
    Linear,
    MaxPool2d,
    Module,
    MSELoss,
    Parameter,
    ReduceLROnPlateau,
    Sequential,
    Slice,
    StepDecay,
    Sum,
    Tanh,
    Training,
    WeightedSum,
    kaiming_normal,
    load,
    normalize,
    one_hot_encode,
    pytorch_uniform,
    save,
    split_train_test,
)
from fairgrid.framework.testing.clauses import generator
from tests.framework.checks import problem


def layer(replicas: int) -> Linear:
    stacked = Linear(4, 3)
    stacked.initialize([generator(r) for r in range(replicas)], pytorch_uniform)
    return stacked


def chain(inputs: list[str], outputs: list[str], **connectivity: list[str]) -> Graph:
    operators: dict[str, Module] = {"a": Linear(4, 3), "b": Tanh(), "c": Sum()}
    return Graph(operators, connectivity, inputs, outputs)


def announced(generators: object, samples: int) -> Dropout:
    layer = Dropout(0.5)
    layer.begin_epoch(generators, samples)
    return layer


def forgotten() -> SGD:
    model = layer(2)
    optimizer = SGD(model.parameters())
    model.initialize([generator(0), generator(1)], pytorch_uniform)
    return optimizer


def training(x: torch.Tensor, target: object, replicas: int | None = None, **options: object) -> Training:
    model = Linear(4, 1) if replicas is None else layer(replicas)
    options = {"epochs": 1, "batch_size": 2} | options
    return Training(model, SGD(model.parameters()), MSELoss(), x, target, **options)


FILES = Path(tempfile.mkdtemp())
(FILES / "text").write_text("no state")
torch.save(torch.ones(3), FILES / "tensor")
save(FILES / "damaged", {"x": torch.full((3,), 7.0)})
content = (FILES / "damaged").read_bytes()
(FILES / "damaged").write_bytes(content.replace(torch.full((3,), 7.0).numpy().tobytes(), b"\0" * 12))

ones = torch.ones
ERRORS = [
    (lambda: LeakyReLU(1.0), "LeakyReLU needs alpha in [0, 1), found 1.0"),
    (lambda: LeakyReLU(-0.1), "LeakyReLU needs alpha in [0, 1), found -0.1"),
    (lambda: Linear(0, 3), "Linear needs inputs ≥ 1, found 0"),
    (lambda: Linear(3, -1), "Linear needs outputs ≥ 1, found -1"),
    (lambda: Linear(4, 3).forward(ones(6, 5)), "Linear takes 4 features, found x of shape (6, 5)"),
    (lambda: layer(2).forward(ones(2, 6, 3)), "Linear takes 4 features, found x of shape (2, 6, 3)"),
    (
        lambda: Linear(4, 3).forward(ones(2, 6, 4)),
        "Linear's parameter is (4, 3), which does not fit x of shape (2, 6, 4)",
    ),
    (
        lambda: layer(2).forward(ones(3, 6, 4)),
        "Linear's parameter is (2, 4, 3), which does not fit x of shape (3, 6, 4)",
    ),
    (lambda: Sequential(Tanh(), torch.tanh), "Sequential takes modules, found builtin_function_or_method"),
    (lambda: Linear(4, 3).backward(ones(6, 3)), "Linear.backward needs a forward before it"),
    (lambda: Sequential(Tanh()).backward(ones(6, 3)), "Tanh.backward needs a forward before it"),
    (
        lambda: Linear(4, 3).initialize(generator(0), [kaiming_normal]),
        "a single generator takes a single initializer, found a list",
    ),
    (
        lambda: Linear(4, 3).initialize([generator(0), generator(1)], [kaiming_normal] * 3),
        "one initializer per generator is needed, found 3 for 2",
    ),
    (
        lambda: Parameter((4, 3)).assign(ones(3, 4)),
        "a parameter of shape (4, 3) takes that or a leading R, found (3, 4)",
    ),
    (
        lambda: Parameter((4, 3)).assign(ones(2, 2, 4, 3)),
        "a parameter of shape (4, 3) takes that or a leading R, found (2, 2, 4, 3)",
    ),
    (lambda: MSELoss("average"), "MSELoss needs reduction 'mean' or 'sum', found 'average'"),
    (lambda: MSELoss("mean", 0.0), "MSELoss needs scale > 0, found 0.0"),
    (lambda: MSELoss("mean", float("nan")), "MSELoss needs scale > 0, found nan"),
    (
        lambda: MSELoss().forward(ones(2, 6, 1), ones(6, 1)),
        "MSELoss needs equal shapes, found prediction (2, 6, 1), target (6, 1)",
    ),
    (lambda: MSELoss().backward(), "MSELoss.backward needs a forward before it"),
    (lambda: SGD([]), "SGD needs at least one parameter, found none"),
    (lambda: Adam(iter(())), "Adam needs at least one parameter, found none"),
    (
        lambda: SGD([*problem(None), *problem(2)]),
        "SGD needs parameters of one number of replicas and one dtype, "
        "found [(2, torch.float64), (None, torch.float64)]",
    ),
    (
        lambda: SGD([*problem(None), *problem(None, torch.float32)]),
        "SGD needs parameters of one number of replicas and one dtype, "
        "found [(None, torch.float32), (None, torch.float64)]",
    ),
    (lambda: SGD(problem(None), learning_rate=-0.1), "SGD needs a finite learning_rate ≥ 0, found -0.1"),
    (lambda: SGD(problem(2), learning_rate=[0.1, -0.1]), "SGD needs a finite learning_rate ≥ 0, found -0.1"),
    (lambda: Adam(problem(2), learning_rate=float("nan")), "Adam needs a finite learning_rate ≥ 0, found nan"),
    (lambda: SGD(problem(None), momentum=-1), "SGD needs a finite momentum ≥ 0, found -1"),
    (lambda: Adam(problem(None), weight_decay=-1), "Adam needs a finite weight_decay ≥ 0, found -1"),
    (
        lambda: SGD(problem(2), learning_rate=[0.1, 0.2, 0.3]),
        "SGD needs learning_rate as a number or one per replica (2), found shape (3,)",
    ),
    (
        lambda: SGD(problem(None), momentum=[0.1]),
        "SGD needs momentum as a number or one per replica (None), found shape (1,)",
    ),
    (
        lambda: SGD(problem(2)).set("learning_rate", ones(2, 1)),
        "SGD needs learning_rate as a number or one per replica (2), found shape (2, 1)",
    ),
    (lambda: SGD(problem(None), 0.1).set("learning_rate", -1), "SGD needs a finite learning_rate ≥ 0, found -1"),
    (lambda: SGD(problem(None), nesterov=True), "SGD with nesterov needs momentum > 0, found 0"),
    (lambda: SGD(problem(2), momentum=[0.9, 0], nesterov=True), "SGD with nesterov needs momentum > 0, found 0"),
    (lambda: Adam(problem(None), beta1=1.0), "Adam needs beta1 in [0, 1), found 1"),
    (lambda: Adam(problem(None), beta2=-0.5), "Adam needs beta2 in [0, 1), found -0.5"),
    (lambda: Adam(problem(None), epsilon=0), "Adam needs epsilon > 0, found 0"),
    (lambda: AdamW(problem(None), beta1=1.0), "AdamW needs beta1 in [0, 1), found 1"),
    (
        lambda: Buffer((1, 3)).assign(ones(3, 1)),
        "a buffer of shape (1, 3) takes that or a leading R, found (3, 1)",
    ),
    (lambda: Conv2d(1, 1, 0), "Conv2d needs kernel ≥ 1, found 0"),
    (lambda: Conv2d(1, 1, 2, padding=-1), "Conv2d needs padding ≥ 0, found -1"),
    (
        lambda: Conv2d(2, 1, 3).forward(ones(6, 1, 4, 4)),
        "Conv2d takes 2 channels of at least 3 × 3 with padding 0, found x of shape (6, 1, 4, 4)",
    ),
    (
        lambda: Conv2d(2, 1, 5, padding=1).forward(ones(6, 2, 2, 4)),
        "Conv2d takes 2 channels of at least 5 × 5 with padding 1, found x of shape (6, 2, 2, 4)",
    ),
    (
        lambda: Conv2d(2, 1, 3).forward(ones(2, 6, 2, 4, 4)),
        "Conv2d's parameter is (1, 2, 3, 3), which does not fit x of shape (2, 6, 2, 4, 4)",
    ),
    (
        lambda: Conv2d(2, 1, 3).forward(ones(2, 4, 4)),
        "Conv2d's parameter is (1, 2, 3, 3), which does not fit x of shape (2, 4, 4)",
    ),
    (lambda: MaxPool2d(2, 0), "MaxPool2d needs stride ≥ 1, found 0"),
    (lambda: MaxPool2d(3, 1, 2), "MaxPool2d needs padding from 0 to half the kernel (1), found 2"),
    (
        lambda: MaxPool2d(3).forward(ones(6, 1, 2, 4)),
        "MaxPool2d takes images of at least 3 × 3 with padding 0, found x of shape (6, 1, 2, 4)",
    ),
    (lambda: Flatten(0), "Flatten needs dims ≥ 1, found 0"),
    (lambda: Flatten().forward(ones(3, 4, 5)), "Flatten joins 3 dimensions after the batch's, found x (3, 4, 5)"),
    (lambda: BatchNorm(0), "BatchNorm needs features ≥ 1, found 0"),
    (lambda: BatchNorm(3, dims=3), "BatchNorm needs dims 1 (features) or 2 (images), found 3"),
    (lambda: BatchNorm(3, momentum=1.5), "BatchNorm needs momentum in [0, 1], found 1.5"),
    (lambda: BatchNorm(3, epsilon=0.0), "BatchNorm needs epsilon > 0, found 0"),
    (lambda: BatchNorm(3).forward(ones(6, 4)), "BatchNorm takes 3 features, found x of shape (6, 4)"),
    (
        lambda: BatchNorm(3).forward(ones(1, 3)),
        "BatchNorm needs two values per feature to train, found x of shape (1, 3)",
    ),
    (lambda: Dropout(1.0), "Dropout needs a rate in [0, 1), found 1"),
    (
        lambda: Dropout(0.5).forward(ones(6, 4)),
        "Dropout in training needs begin_epoch(generators, samples) before its first forward",
    ),
    (
        lambda: announced(generator(0), 5).forward(ones(6, 4)),
        "Dropout's epoch of 5 samples has masks (5, 4) left, found x of shape (6, 4)",
    ),
    (
        lambda: announced([generator(0), generator(1)], 6).forward(ones(3, 6, 4)),
        "Dropout's epoch of 6 samples has masks (2, 6, 4) left, found x of shape (3, 6, 4)",
    ),
    (lambda: Sum().forward(ones(6, 4)), "Sum needs a list of tensors, found a tensor of shape (6, 4)"),
    (lambda: Concatenate().forward([]), "Concatenate needs a list of tensors, found none"),
    (
        lambda: Sum().forward([ones(6, 4), ones(6, 1)]),
        "Sum needs tensors of one shape, found [(6, 4), (6, 1)]",
    ),
    (
        lambda: Concatenate().forward([ones(6, 4), ones(5, 4)]),
        "Concatenate needs shapes that differ in dimension -1 alone, found [(6, 4), (5, 4)]",
    ),
    (lambda: Concatenate(1), "Concatenate counts dimensions from the end, as −1, found 1"),
    (lambda: Slice(2, 2), "Slice needs 0 ≤ start < stop, found 2 and 2"),
    (
        lambda: Slice(1, 5).forward(ones(6, 4)),
        "Slice needs at least 5 elements in dimension -1, found x of shape (6, 4)",
    ),
    (
        lambda: chain(["a"], ["c"], b=["a"], c=["b", "z"]),
        "Graph's connectivity name 'z', which is not among the operators ['a', 'b', 'c']",
    ),
    (
        lambda: chain(["a"], ["c"], b=["a"], c=["b"], z=["c"]),
        "Graph's connectivity name 'z', which is not among the operators ['a', 'b', 'c']",
    ),
    (
        lambda: chain(["x"], ["c"], b=["a"], c=["b"]),
        "Graph's inputs name 'x', which is not among the operators ['a', 'b', 'c']",
    ),
    (
        lambda: chain(["a"], ["y"], b=["a"], c=["b"]),
        "Graph's outputs name 'y', which is not among the operators ['a', 'b', 'c']",
    ),
    (lambda: chain(["a"], [], b=["a"], c=["b"]), "Graph needs one or more outputs, each once, found []"),
    (
        lambda: chain(["a", "a"], ["c"], b=["a"], c=["b"]),
        "Graph needs one or more inputs, each once, found ['a', 'a']",
    ),
    (
        lambda: chain(["a"], ["c"], b=["c"], c=["a", "b"]),
        "Graph needs a network without cycles, found 'c' → 'b' → 'c'",
    ),
    (lambda: chain(["a"], ["a"], a=["a"]), "Graph needs a network without cycles, found 'a' → 'a'"),
    (
        lambda: chain(["a", "b"], ["c"], b=["a"], c=["b", "a"]),
        "Graph's input 'b' takes its tensor from outside, found predecessors ['a']",
    ),
    (
        lambda: chain(["a"], ["c"], c=["a", "b"]),
        "Graph operator 'b' has no predecessors and is not among the inputs ['a']",
    ),
    (
        lambda: chain(["a"], ["c"], b=["a"], c=["a"]),
        "Graph operator 'b' leads to none of the outputs ['c']",
    ),
    (
        lambda: chain(["a", "b"], ["c"], c=["a", "b"]).forward(ones(6, 4)),
        "Graph needs a list of tensors, one for each input of ['a', 'b'], found one tensor",
    ),
    (
        lambda: chain(["a", "b"], ["c"], c=["a", "b"]).forward([ones(6, 4)]),
        "Graph needs a list of tensors, one for each input of ['a', 'b'], found 1",
    ),
    (
        lambda: chain(["a", "b"], ["c"], c=["a", "b"]).forward([ones(6, 4), ones(6, 4)]),
        "Graph operator 'c': Sum needs tensors of one shape, found [(6, 3), (6, 4)]",
    ),
    (
        lambda: Graph({1: Identity(), 2: Tanh(), 3: Tanh()}, {3: [1, 2]}, [1, 2], [3]).forward([ones(6, 4)] * 2),
        "Graph operator 3: Tanh takes one tensor, found a list of 2",
    ),
    (lambda: MSELoss().forward(ones(0, 3), ones(0, 3)), "MSELoss needs at least one sample, found an empty batch"),
    (
        lambda: CrossEntropyLoss("sum").forward(ones(2, 0, 3), ones(2, 0, 3)),
        "CrossEntropyLoss needs at least one sample, found an empty batch",
    ),
    (
        lambda: BinaryCrossEntropyLoss().forward(ones(6, 1), ones(6)),
        "BinaryCrossEntropyLoss needs equal shapes, found prediction (6, 1), target (6,)",
    ),
    (
        lambda: CrossEntropyLoss().forward(ones(6, 3), ones(6)),
        "CrossEntropyLoss needs class indices (whole numbers) of the prediction's shape without the classes, or "
        "probabilities of its shape, found prediction (6, 3), target (6,) of torch.float32",
    ),
    (
        lambda: CrossEntropyLoss().forward(ones(3, 3), torch.tensor([0, 3, 1])),
        "CrossEntropyLoss needs class indices from 0 to 2, found 0 to 3",
    ),
    (
        lambda: CrossEntropyLoss().forward(ones(2, 3), torch.tensor([0, -1])),
        "CrossEntropyLoss needs class indices from 0 to 2, found -1 to 0",
    ),
    (lambda: WeightedSum([MSELoss()], []), "WeightedSum needs a weight per loss, found 1 losses, 0 weights"),
    (lambda: WeightedSum([MSELoss()], [-1.0]), "WeightedSum needs weights ≥ 0, found -1"),
    (
        lambda: WeightedSum([MSELoss()], [1.0]).forward([ones(6, 1)], []),
        "WeightedSum needs a prediction and a target for each of 1 losses, found 1 and 0",
    ),
    (
        lambda: layer(2).load_state_dict({"weight": ones(3, 4, 3), "offset": ones(3)}),
        "the state does not fit Linear: missing bias; unexpected offset; "
        "weight is float32 (3, 4, 3) where float32 (2, 4, 3) is needed",
    ),
    (
        lambda: SGD(problem(None)).load_state_dict(Adam(problem(None)).state_dict()),
        "the state does not fit SGD: it is of Adam",
    ),
    (
        lambda: SGD(problem(2)[:1]).load_state_dict(SGD(problem(3)[:1]).state_dict() | {"steps": 1.0, "beta": 2}),
        "the state does not fit SGD: unexpected beta; steps is float where int is needed; "
        "velocity.0 is float64 (3, 3, 5) where float64 (2, 3, 5) is needed",
    ),
    (
        lambda: save(FILES / "new", {"streams": [generator(0)]}),
        "a state holds tensors, numbers and strings, found Generator at the state['streams'][0]",
    ),
    (lambda: load(FILES / "text"), f"{FILES / 'text'} is damaged or no saved state: File is not a zip file"),
    (
        lambda: load(FILES / "damaged"),
        f"{FILES / 'damaged'} is damaged: the checksum of damaged/data/0 is wrong",
    ),
    (lambda: load(FILES / "tensor"), f"{FILES / 'tensor'} holds no state: a dictionary is needed, found Tensor"),
    (lambda: forgotten().step(), "SGD no longer holds its parameters: build it after initialize"),
    (lambda: StepDecay(0), "StepDecay needs period ≥ 1, found 0"),
    (lambda: StepDecay(2, 1.5), "StepDecay needs factor in (0, 1], found 1.5"),
    (lambda: StepDecay(2, 0.0), "StepDecay needs factor in (0, 1], found 0"),
    (lambda: CosineDecay(0), "CosineDecay needs period ≥ 1, found 0"),
    (lambda: CosineDecay(5, -0.1), "CosineDecay needs min_rate ≥ 0, found -0.1"),
    (lambda: ReduceLROnPlateau(-1), "ReduceLROnPlateau needs patience ≥ 0, found -1"),
    (lambda: ReduceLROnPlateau(1, 1.0), "ReduceLROnPlateau needs factor in (0, 1), found 1"),
    (lambda: ReduceLROnPlateau(min_lr=-1), "ReduceLROnPlateau needs min_lr ≥ 0, found -1"),
    (lambda: ReduceLROnPlateau(threshold=float("nan")), "ReduceLROnPlateau needs threshold ≥ 0, found nan"),
    (
        lambda: ReduceLROnPlateau().step(SGD(problem(None))),
        "ReduceLROnPlateau needs a validation loss after each epoch, found none",
    ),
    (
        lambda: StepDecay().load_state_dict(CosineDecay().state_dict()),
        "the state does not fit StepDecay: it is of CosineDecay",
    ),
    (
        lambda: StepDecay().load_state_dict({"schedule": "StepDecay", "epochs": 1.0, "initial": None, "factor": 0.1}),
        "the state does not fit StepDecay: missing period; epochs is float where int is needed",
    ),
    (lambda: EarlyStopping(0), "EarlyStopping needs patience ≥ 1, found 0"),
    (lambda: split_train_test(ones(6, 2), ones(6), 1.0), "split_train_test needs train_size in (0, 1), found 1"),
    (lambda: split_train_test(ones(6, 2), ones(5)), "split_train_test needs as many x as y, found 6 and 5"),
    (
        lambda: split_train_test(ones(6, 2), ones(6), 0.05),
        "split_train_test needs a sample in each part, found 0 and 6",
    ),
    (lambda: normalize(ones(1, 2)), "normalize needs at least 2 training samples, found 1"),
    (
        lambda: one_hot_encode(torch.tensor([0, -1, 2]), 2),
        "one_hot_encode needs labels in 0 … 1, found -1 … 2",
    ),
    (lambda: training(ones(6, 4), ones(6, 1), epochs=0), "training needs epochs ≥ 1, found 0"),
    (lambda: training(ones(6, 4), ones(6, 1), batch_size=-1), "training needs batch_size ≥ 1, found -1"),
    (lambda: training(ones(0, 4), ones(0, 1)), "training needs at least one sample, found none"),
    (lambda: training(ones(2, 0, 4), ones(2, 0, 3), 2), "training needs at least one sample, found none"),
    (
        lambda: training(ones(6, 4), ones(6, 1), validation=(ones(0, 4), ones(0, 1))),
        "validation needs at least one sample, found none",
    ),
    (
        lambda: training(ones(6, 4), [ones(6, 1), ones(5, 1)]),
        "training needs x and targets of shapes (N, …) with one N, found [(6, 4), (6, 1), (5, 1)]",
    ),
    (
        lambda: training(ones(6, 4), ones(6, 3), 2),
        "training needs x and targets of shapes (2, N, …) with one N, found [(6, 4), (6, 3)]",
    ),
    (
        lambda: training(ones(2, 6, 4), ones(2, 6, 3), 2, validation=(ones(3, 6, 4), ones(3, 6, 3))),
        "validation needs x and targets of shapes (2, N, …) with one N, found [(3, 6, 4), (3, 6, 3)]",
    ),
    (
        lambda: training(ones(2, 6, 4), ones(2, 6, 3), 2, shuffle=generator(0)),
        "training needs a list of 2 generators for shuffle, found a single one",
    ),
    (
        lambda: training(ones(6, 4), ones(6, 1), noise=[generator(0)]),
        "training needs a single generator for noise, found a list of 1",
    ),
    (
        lambda: training(ones(6, 4), ones(6, 1), stopping=EarlyStopping(3)),
        "early stopping and schedules that watch the loss need validation data, found none",
    ),
]


IDS = [message.replace(f"{FILES}/", "")[:40] for _, message in ERRORS]  # the same in every process


@pytest.mark.parametrize(("call", "message"), ERRORS, ids=IDS)
def test_the_message_says_what_is_needed_and_what_was_found(call, message) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 the whole message is compared
        call()
    assert str(caught.value) == message


def test_every_error_has_its_message_here() -> None:
    raised = set()
    for call, _ in ERRORS:
        with pytest.raises(ValueError) as caught:  # noqa: PT011 the messages are compared above
            call()
        place = caught.traceback[-1]
        raised.add((Path(place.path), place.lineno + 1))
    for file in Path(framework.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Raise) and ast.unparse(node.exc).startswith("ValueError"):
                lines = range(node.lineno, node.end_lineno + 1)
                assert any((file, line) in raised for line in lines), (
                    f"{file.name}, line {node.lineno}: add its message to ERRORS in tests/framework/test_errors.py"
                )
