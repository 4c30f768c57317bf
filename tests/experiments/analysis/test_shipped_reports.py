"""The shipped studies of reports hold every number that the reports print, and no other."""

import math
from decimal import Decimal

import pytest

from fairgrid.experiments.study.loading import load, shipped
from fairgrid.experiments.study.schema import Reported
from fairgrid.experiments.study.validation import matching

SOURCES = {
    "report_000": "000_886196d3797ee705.txt",
    "report_001": "001_5b15d9e50895a1bd.txt",
    "report_002": "002_bb4c2440422f73ef.txt",
    "report_003": "003_033596b3b376afeb.txt",
    "report_004": "004_b4a2478e845a27b2.txt",
}

# (row of the report's table, metric, statistic, what is printed, number of runs); accuracies in 000 and 001, errors in
# 002 and 004, all in percent
PRINTED = {
    "report_000": {("final network", "test_error", "single", ("97.4",), 1)},
    "report_001": {
        ("SGD batch size = 1", "train_error", "single", ("98.7",), 1),
        ("SGD batch size = 1", "test_error", "single", ("97.5",), 1),
        ("SGD batch size = 2", "train_error", "single", ("97.6",), 1),
        ("SGD batch size = 2", "test_error", "single", ("96.5",), 1),
        ("SGD with momentum batch size = 1", "train_error", "single", ("98.7",), 1),
        ("SGD with momentum batch size = 1", "test_error", "single", ("97.2",), 1),
        ("Adam", "train_error", "single", ("94.7",), 1),
        ("Adam", "test_error", "single", ("94.7",), 1),
    },
    "report_002": {
        ("line, linear", "train_error", "single", ("0.3",), 1),
        ("line, linear", "test_error", "single", ("0.5",), 1),
        ("disk, linear", "train_error", "single", ("10.2",), 1),
        ("disk, linear", "test_error", "single", ("11",), 1),
        ("disk, deep", "train_error", "single", ("0.5",), 1),
        ("disk, deep", "test_error", "single", ("0",), 1),
    },
    "report_004": {
        ("MyTorch", "test_error", "mean+std", ("4.0", "6.5"), 10),
        ("PyTorch", "test_error", "mean+std", ("5.3", "7.9"), 10),
    },
}
ACCURACIES = {"report_000", "report_001"}

# words of the reports that are tested, at least once each
CLAIMED = {
    "report_000": ["hovered around the 97% accuracy", "rarely needed to go up to the 1000th epoch"],
    "report_001": ["all these methods had similar training and test accuracy", "Adam, which performed slightly worse"],
    "report_001_digits": ["weight sharing and auxiliary loss", "reduce the epochs"],
    "report_002": ["from 0.5 to 2% error", "linear model does not generalise", "close to circle"],
    "report_003": ["solely around the boundaries of the circle"],
    "report_004": [
        "does not differ by more than",
        "accuracies match perfectly",
        "slightly lower test error in the mean",
        "slightly lower standard deviation",
    ],
}


def as_fraction(study: str, printed: str) -> tuple[Decimal, Decimal]:
    """The error that a printed percentage states, and the unit of its last digit."""
    percent = 100 - Decimal(printed) if study in ACCURACIES else Decimal(printed)
    return percent / 100, Decimal((0, (1,), Decimal(printed).as_tuple().exponent)) / 100


def stated(reported: Reported) -> list[tuple[Decimal, Decimal]]:
    """The values of a number, each with the unit of its last digit, exactly."""
    return [
        (Decimal(repr(value)), Decimal(repr(unit)))
        for value, unit in zip(reported.value, reported.resolutions, strict=True)
    ]


def is_swapped(reported: Reported) -> bool:
    return "swapped" in reported.reading


@pytest.mark.parametrize("name", PRINTED)
def test_every_number_of_the_report_is_there_as_printed(name: str) -> None:
    study = load(name)
    for row, metric, statistic, printed, runs in PRINTED[name]:
        found = [each for each in study.reported if (each.row, each.metric) == (row, metric) and not is_swapped(each)]
        assert found, (row, metric)
        for reported in found:
            assert ("+".join(reported.statistic), reported.runs) == (statistic, runs)
            assert stated(reported) == [as_fraction(name, text) for text in printed]


@pytest.mark.parametrize("name", shipped())
def test_no_number_is_there_that_no_report_prints(name: str) -> None:
    known = {(row, metric) for row, metric, *_ in PRINTED.get(name, set())}
    assert {(reported.row, reported.metric) for reported in load(name).reported} == known


@pytest.mark.parametrize("name", PRINTED)
def test_every_number_has_one_primary_reading_and_its_readings_differ(name: str) -> None:
    study = load(name)
    for row, metric, *_ in PRINTED[name]:
        found = [each for each in study.reported if (each.row, each.metric) == (row, metric)]
        assert [each.primary for each in found].count(True) == 1
        assert len({each.reading for each in found}) == len(found)
        assert len({(str(matching(study, each.where)), each.value) for each in found}) == len(found)
        assert len({each.quote for each in found}) == 1


def test_report_004_is_read_with_its_columns_swapped_too() -> None:
    study = load("report_004")
    for row in ("MyTorch", "PyTorch"):
        found = [each for each in study.reported if each.row == row]
        straight = [each for each in found if not is_swapped(each)]
        swapped = [each for each in found if is_swapped(each)]
        assert len(straight) == len(swapped) == 2  # four and three hidden layers
        assert not any(each.primary for each in swapped)
        assert {str(each.where) for each in straight} == {str(each.where) for each in swapped}
        assert {each.value for each in swapped} == {each.value[::-1] for each in straight}
        assert {each.statistic for each in found} == {("mean", "std")}


def test_report_002_is_read_with_either_centre_and_report_000_with_either_radius() -> None:
    study = load("report_002")
    for row in ("disk, linear", "disk, deep"):
        for metric in ("train_error", "test_error"):
            found = [each for each in study.reported if (each.row, each.metric) == (row, metric)]
            assert {tuple(each.where["problem"]["center"]) for each in found} == {(0.0, 0.0), (0.5, 0.5)}
    radii = {each.where["problem.radius"] for each in load("report_000").reported}
    assert sorted(radii) == pytest.approx([1 / (2 * math.pi), 1 / math.sqrt(2 * math.pi)])


@pytest.mark.parametrize("name", [name for name in shipped() if name.startswith("report_")])
def test_study_names_the_file_of_its_report(name: str) -> None:
    assert load(name).source == SOURCES[name[: len("report_000")]]


@pytest.mark.parametrize("name", CLAIMED)
def test_words_of_the_report_are_tested(name: str) -> None:
    quotes = {claim.quote for claim in load(name).claims}
    for words in CLAIMED[name]:
        assert any(words in quote for quote in quotes), words


def test_report_003_has_a_table_of_no_numbers() -> None:
    study = load("report_003")
    assert study.reported == ()
    assert study.table is None
    assert study.claims


def test_seeds_are_enough_to_call_a_single_run_inconsistent() -> None:
    for name in ("report_000", "report_001", "report_002"):
        study = load(name)
        for reported in study.reported:
            (cell,) = matching(study, reported.where)
            assert len(cell.seeds) >= 150
    study = load("report_004")
    assert all(len(matching(study, reported.where)[0].seeds) >= 1000 for reported in study.reported)
