"""A configuration is parsed once on its way from a study to tables."""

from pathlib import Path

import pytest

from fairgrid.experiments.config.run import RunConfig, canonical_json, parse
from fairgrid.experiments.execution.backends import Pool
from fairgrid.experiments.execution.driver import Driver
from fairgrid.experiments.reporting.publishing import publish
from fairgrid.experiments.runtime.user_code import Finder
from fairgrid.experiments.study.loading import load
from tests.experiments import studies


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunConfig, "parsed", 0)


@pytest.mark.usefixtures("parsed")
def test_one_parse_for_a_distinct_configuration_of_a_tuned_study(tmp_path: Path) -> None:
    study = load(studies.write(tmp_path, studies.TUNED))
    assert RunConfig.parsed == len(study.cells) == 3
    # trained in this process: what a worker does is in it
    Driver(tmp_path / "results", Pool(), say=lambda _: None).run([study])
    publish(tmp_path / "results", [study])
    assert RunConfig.parsed == 3
    assert len({config.canonical_json for config in study.configurations}) == 5


@pytest.mark.usefixtures("parsed")
def test_a_configuration_that_two_grids_state_is_parsed_once(tmp_path: Path) -> None:
    twice = f'{studies.TINY}\n[[grid]]\noptimizer = {{ name = "sgd", learning_rate = 0.1 }}\nactivation = "relu"\n'
    study = load(studies.write(tmp_path, twice))
    assert RunConfig.parsed == len(study.cells) == 4


def test_a_learning_rate_is_what_parsing_it_gives() -> None:
    finder = Finder(Path.cwd())
    for optimizer in ("sgd", {"name": "adam", "beta1": 0.8}, {"name": "momentum", "learning_rate": 0.5}):
        options = {"name": optimizer} if isinstance(optimizer, str) else optimizer
        for rate in (0.001, 0.5, 1.0):
            written = parse({"optimizer": {**options, "learning_rate": rate}, "epochs": 3}, finder)
            changed = parse({"optimizer": optimizer, "epochs": 3}, finder).with_learning_rate(rate)
            assert changed == written
            assert changed.canonical_json == canonical_json(written.canonical)
