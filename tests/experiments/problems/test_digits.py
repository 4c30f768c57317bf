"""Pairs of digits: pools apart, the reader of MNIST's files, the networks and their agreement with torch."""

import gzip
from pathlib import Path

import pytest
import torch

from fairgrid.experiments.config.identity import run_id
from fairgrid.experiments.config.run import RunConfig
from fairgrid.experiments.engines.training import train
from fairgrid.experiments.errors import BadKeyError
from fairgrid.experiments.problems import DigitPairs
from fairgrid.experiments.study.loading import load
from tests.experiments.configs import configured


def images_in(samples: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in samples.reshape(-1, *samples.shape[2:])}


@pytest.mark.parametrize("split", ["halves", "random"])
def test_no_image_is_in_both_pools_and_none_is_paired_with_itself(split: str) -> None:
    data = DigitPairs(train=400, test=400, validation=50, split=split).sample(3)
    assert not images_in(data.train.x) & images_in(data.test.x)
    for part in (data.train, data.validation, data.test):
        assert not (part.x[:, 0] == part.x[:, 1]).flatten(1).all(1).any()
        answer, first, second = part.target
        assert torch.equal(answer, (first <= second).long())
        assert torch.equal(part.label, answer)
    assert data.train.x.shape == (400, 2, 8, 8)
    assert 0 <= data.train.x.min() < data.train.x.max() == 1


def test_pairs_depend_on_the_seed_alone_and_validation_is_drawn_extra() -> None:
    one, again, other = DigitPairs().sample(1), DigitPairs(validation=20).sample(1), DigitPairs().sample(2)
    assert torch.equal(one.train.x, again.train.x)
    assert torch.equal(one.test.x, again.test.x)
    assert not torch.equal(one.train.x, other.train.x)


DESIGNS = load("report_001_digits").cells


def short(cell_config: RunConfig, engine: str) -> RunConfig:
    problem = {"name": "digit_pairs", "train": 50, "test": 20}
    changes = {"problem": problem, "epochs": 2, "checkpoints": 1, "dtype": "float64", "engine": engine}
    return configured({**cell_config.canonical, **changes})


@pytest.mark.parametrize("number", range(len(DESIGNS)))
def test_engines_agree_on_every_design(number: int) -> None:
    ours = train([short(DESIGNS[number].config, "framework")] * 2, [0, 1], [True, True])
    theirs = train([short(DESIGNS[number].config, "pytorch")] * 2, [0, 1], [True, True])
    for our, their in zip(ours, theirs, strict=True):
        assert our.status == their.status == "ok"
        for name, value in their.kept.items():
            assert (our.kept[name] - value).norm() <= 1e-9 * value.norm() + 1e-12
        assert our.metrics["majority_error"] == their.metrics["majority_error"] <= 0.5


def test_record_does_not_depend_on_the_stack() -> None:
    config = configured({**short(DESIGNS[2].config, "framework").canonical, "dtype": "float32"})
    whole = train([config] * 5, range(5))
    assert train([config] * 2, [3, 1]) == [whole[3], whole[1]]
    assert train([config], [4]) == [whole[4]]


def test_sharing_is_one_base_and_one_classifier_for_both_images() -> None:
    def built(sharing: bool) -> list[tuple[int, ...]]:
        config = configured({"problem": "digit_pairs", "model": {"name": "siamese", "sharing": sharing}})
        return [parameter.shape for parameter in config.build_model(config.build_problem()).parameters()]

    shared, apart = built(True), built(False)
    assert (32, 10) in shared
    assert shared.count((32, 10)) == 1
    assert apart.count((64, 10)) == 2
    assert (64, 2) in shared
    assert (64, 2) in apart


def idx(magic: int, *sizes: int, payload: bytes | None = None) -> bytes:
    count = torch.tensor(sizes).prod().item()
    content = bytes(i % 10 for i in range(int(count))) if payload is None else payload
    return b"".join(number.to_bytes(4, "big") for number in (magic, *sizes)) + content


def mnist(folder: Path, **changed: bytes) -> Path:
    """A small directory of MNIST's four files, some of them replaced."""
    folder.mkdir(exist_ok=True)
    files = {
        "train-images-idx3-ubyte": idx(2051, 12, 28, 28),
        "train-labels-idx1-ubyte": idx(2049, 12),
        "t10k-images.idx3-ubyte": gzip.compress(idx(2051, 7, 28, 28), mtime=0),
        "t10k-labels.idx1-ubyte.gz": gzip.compress(idx(2049, 7), mtime=0),
    }
    for name, content in files.items():
        (folder / name).write_bytes(
            changed.get(name.partition(".")[0].replace("-", "_").replace("_ubyte", ""), content)
        )
    return folder


def test_mnist_is_read_plain_or_gzip_and_averaged_to_14(tmp_path: Path) -> None:
    problem = DigitPairs(train=30, test=10, directory=str(mnist(tmp_path / "a")))
    data = problem.sample(0)
    assert problem.inputs == 14
    assert data.train.x.shape == (30, 2, 14, 14)
    raw = torch.arange(12 * 28 * 28).remainder(10).double().reshape(12, 28, 28) / 255
    pooled = torch.nn.functional.avg_pool2d(raw, 2)
    assert images_in(data.train.x) <= {image.numpy().tobytes() for image in pooled}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train_images_idx3", idx(2049, 12, 28, 28), "expected the magic number 2051, found 2049"),
        ("train_images_idx3", idx(2051, 12, 28, 28)[:-1], "expected 9408 bytes for 12 x 28 x 28, found 9407"),
        ("train_images_idx3", idx(2051, 12, 28, 28) + b"x", "expected 9408 bytes for 12 x 28 x 28, found 9409"),
        ("train_images_idx3", b"\0\0", "expected a header of 16 bytes, found 2"),
        ("train_images_idx3", gzip.compress(idx(2051, 12, 28, 28), mtime=0)[:-9], "expected whole gzip data, found: "),
        ("train_labels_idx1", idx(2051, 12), "expected the magic number 2049, found 2051"),
        ("train_labels_idx1", idx(2049, 11), "expected a label per image (12), found 11"),
        ("train_labels_idx1", idx(2049, 12, payload=bytes([10] * 12)), "expected labels 0 to 9, found 10"),
    ],
)
def test_malformed_file_is_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    folder = mnist(tmp_path / "bad", **{name: content})
    with pytest.raises(BadKeyError) as refused:
        configured({"problem": {"name": "digit_pairs", "directory": str(folder)}, "model": "siamese"})
    assert refused.value.key == "problem"
    assert refused.value.problem.startswith(f"{folder}/")
    assert message in refused.value.problem
    assert "\n" not in str(refused.value)


def test_missing_file_and_other_sizes_are_one_line(tmp_path: Path) -> None:
    folder = mnist(tmp_path / "a", train_images_idx3=idx(2051, 12, 8, 8))
    with pytest.raises(ValueError, match=r"^MNIST's images are 28 x 28, found 8 x 8$"):
        DigitPairs(directory=str(folder))
    (tmp_path / "b").mkdir()
    with pytest.raises(ValueError, match=r"expected one of train-images-idx3-ubyte, .*, found none$"):
        DigitPairs(directory=str(tmp_path / "b"))


def test_identity_is_of_the_files_and_not_of_where_they_lie(tmp_path: Path) -> None:
    def identity(folder: Path) -> str:
        config = configured({"problem": {"name": "digit_pairs", "directory": str(folder)}, "model": "siamese"})
        return run_id(config, 0, "portable")

    one, copied = mnist(tmp_path / "one"), mnist(tmp_path / "copied")
    changed = mnist(tmp_path / "changed", train_labels_idx1=idx(2049, 12, payload=bytes(12)))
    assert identity(one) == identity(copied) != identity(changed)
