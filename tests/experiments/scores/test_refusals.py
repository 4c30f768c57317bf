"""What scores are refused for: one line that names source, column, what was expected and what was found."""

import gzip
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fairgrid.experiments.errors import InputError, one_line
from fairgrid.experiments.scores import read_scores

LONG = {"metric": "accuracy", "by": "optimizer"}
WIDE = {"metric": "accuracy", "by": None}


def refusal(source: Any, **roles: Any) -> str:
    with pytest.raises(InputError) as error:
        read_scores(source, **roles)
    assert one_line(str(error.value)) == str(error.value)
    return str(error.value)


FILES: dict[str, tuple[str, dict[str, Any], str]] = {
    "a column": (
        "optimiser,accuracy\nadam,1\n",
        LONG,
        "(separated by commas): expected the column 'optimizer', found none; nearest: 'optimiser'",
    ),
    "every fault at once": (
        "optimiser,acc,sed\nadam,1,0\n",
        LONG | {"seed": "seed"},
        "(separated by commas): expected the column 'accuracy', found none; nearest: 'acc'; and expected the column"
        " 'optimizer', found none; nearest: 'optimiser'; and expected the column 'seed', found none; nearest: 'sed'",
    ),
    "faults of columns that exist, too": (
        "optimizer,accuracy\nadam,good\n,1\n",
        LONG | {"seed": "seed"},
        "(separated by commas): expected the column 'seed', found none; known: accuracy, optimizer; and line 2:"
        " accuracy: expected a number, found 'good'; and line 3: optimizer: expected a text or a number, found nothing",
    ),
    "a prefix of a tracker": (
        "metrics.accuracy;params.optimizer\n1;adam\n",
        {"metric": "accuracy", "by": "params.optimizer"},
        "(separated by semicolons): expected the column 'accuracy', found none; nearest: 'metrics.accuracy'",
    ),
    "many rows of text": (
        "optimizer,accuracy\nadam,0.5\nadam,x\n\nadam,y\nadam,z\nadam,w\nadam,v\n",
        LONG,
        "(separated by commas): line 3, line 5, line 6 and 2 others: accuracy: expected a number, found 'x'",
    ),
    "a comma as decimal point": (
        "optimizer;accuracy\nadam;0,5\n",
        LONG,
        "(separated by semicolons): line 2: accuracy: expected a number, found '0,5'; decimals are written with a"
        " point",
    ),
    "an underscore in a number": (
        "optimizer,accuracy\nadam,1_0\n",
        LONG,
        "(separated by commas): line 2: accuracy: expected a number, found '1_0'",
    ),
    "a line with fewer fields": (
        "optimizer,accuracy\nadam,1\nsgd\n",
        LONG,
        "(separated by commas): line 3: expected 2 fields, found 1",
    ),
    "two separators": (
        "a,b;c\n1,2;3\n",
        WIDE,
        ": expected one separator, found that commas and semicolons both divide every line evenly",
    ),
    "an open quote": (
        'optimizer,accuracy\nadam,"1\n',
        LONG,
        "(separated by commas): line 2: expected CSV, found: unexpected end of data",
    ),
    "a name twice": (
        "optimizer,accuracy,accuracy\nadam,1,2\n",
        LONG,
        "(separated by commas): expected columns with different names, found 'accuracy' twice",
    ),
    "no name": (
        "optimizer,,accuracy\nadam,1,2\n",
        LONG,
        "(separated by commas): expected a name for every column, found none for column 2",
    ),
    "no rows": ("optimizer,accuracy\n", LONG, "(separated by commas): expected rows, found none"),
    "nothing": ("", LONG, "(separated by commas): expected a line of names, found none"),
    "a long table read as wide": (
        "optimizer,accuracy\nadam,1\n",
        WIDE,
        "(separated by commas): by: expected the columns that tell cells apart, found None where 'accuracy' is a"
        " column",
    ),
    "a wide table with a text": (
        "RF,SVM,note\n1,2,good\n3,4,bad\n",
        WIDE,
        "(separated by commas): line 2, line 3: note: expected a number, found 'good'",
    ),
    "a wide table of seeds": (
        "seed\n1\n",
        WIDE | {"seed": "seed"},
        "(separated by commas): expected a column for each cell, found none",
    ),
}


@pytest.mark.parametrize("case", FILES)
def test_a_csv_file_is_refused_with_its_faults(case: str, tmp_path: Path) -> None:
    text, roles, line = FILES[case]
    path = tmp_path / "scores.csv"
    path.write_text(text)
    assert refusal(path, **roles) == f"{path}{'' if line.startswith(':') else ' '}{line}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"optimizer": "adam", "accuracy": 1}\n[1]\n', "line 2: expected a JSON object, found list"),
        (
            '{"optimizer": "adam", "accuracy": \n',
            "line 1: expected a JSON object, found: Expecting value",
        ),
        (
            '{"optimizer": {"name": "adam"}, "accuracy": true}\n{"accuracy": 1}\n',
            "line 1: accuracy: expected a number, found True; and line 2: optimizer: expected a text or a number, found"
            " nothing; and line 1: optimizer: expected a text or a number, found {'name': 'adam'}",
        ),
        (
            '{"optimizer": "adam", "accuracy": ' + "1" * 5000 + "}",
            "line 1: expected a JSON object, found: ValueError: Exceeds the limit (4300 digits) for integer string"
            " conversion: value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit",
        ),
        ("\n", "expected rows, found none"),
    ],
)
def test_json_lines_are_refused_with_their_faults(text: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"
    path.write_text(text)
    assert refusal(path, **LONG) == f"{path}: {line}"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    def expect(name: str, raw: bytes | None, line: str) -> None:
        path = tmp_path / name
        if raw is not None:
            path.write_bytes(raw)
        assert refusal(path, **LONG) == f"{path}: {line}"

    expect("none.csv", None, "expected a readable file, found No such file or directory")
    expect("latin.csv", "é,b\n".encode("latin-1"), "expected UTF-8 text, found byte 0xe9")
    expect(
        "plain.csv.gz",
        b"a,b\n",
        r"expected gzip, found other bytes (BadGzipFile: Not a gzipped file (b'a,'))",
    )
    expect(
        "cut.csv.gz",
        gzip.compress(b"a,b\n" * 50)[:20],
        "expected gzip, found other bytes (EOFError: Compressed file ended before the end-of-stream marker was"
        " reached)",
    )
    expect(
        "book.xlsx",
        b"",
        "expected a file whose name ends in .csv, .tsv, .jsonl or .ndjson, each also with .gz, or .parquet, found"
        " 'book.xlsx'",
    )
    os.mkfifo(tmp_path / "pipe.csv")
    expect("pipe.csv", None, "expected a file, found what is no regular file")


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"PAR1")
    assert refusal(path, **LONG) == (
        f"{path}: expected pyarrow, which reads Parquet, found none; install pyarrow (fairgrid[parquet])"
    )


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"optimizer,accuracy\n")
    assert refusal(path, **LONG).startswith(f"{path}: expected a Parquet file, found: ")


FRAME = pd.DataFrame({"optimizer": ["adam", "sgd"], "accuracy": [1, 2]}, index=["first", "second"])


@pytest.mark.parametrize(
    ("source", "roles", "line"),
    [
        (
            FRAME.assign(accuracy=["1", "high"]),
            LONG,
            "DataFrame: row second: accuracy: expected a number, found 'high'",
        ),
        (
            FRAME.assign(seed=[1, None]),
            LONG | {"seed": "seed"},
            "DataFrame: row second: seed: expected a text or a number, found nothing",
        ),
        (FRAME.head(0), LONG, "DataFrame: expected rows, found none"),
        (
            FRAME,
            LONG | {"context": "accuracy"},
            "context: expected another column than that of metric, found 'accuracy'",
        ),
        (
            FRAME,
            {"metric": "accuracy", "by": []},
            "by: expected a column or more, found none; None says that the table is wide",
        ),
        (FRAME, {"metric": "accuracy", "by": ["optimizer", 3]}, "by: expected the name of a column, found 3"),
        (FRAME, {"metric": "", "by": "optimizer"}, "metric: expected the name of a column, found ''"),
        ([1, 2], LONG, "expected a path, a DataFrame or a mapping of arrays, found an object of type list"),
        (
            FRAME.assign(seed=["nan", "3"], fold=[1, 10**5000]),
            LONG | {"seed": "seed", "context": "fold"},
            "DataFrame: row first: seed: expected a text or a number, found the gap 'nan'; and row second: fold:"
            " expected a text or a number, found an object of type int",
        ),
        (
            {"1": [[1]], 1: [[2]]},
            WIDE,
            "mapping: 1: expected a different name for each cell, found it twice",
        ),
        ("a\0.csv", LONG, r"a\x00.csv: expected the path of a file, found: embedded null byte"),
        ({}, WIDE, "mapping: expected an array for each cell, found none"),
        (
            {"a": np.ones((2, 3)), "b": np.ones((2, 4)), "c": np.ones(3), "d": [[1, 2], [3]]},
            WIDE,
            "mapping: c: expected an array of runs × tasks, found shape (3,); and d: expected an array of runs × tasks,"
            " found no array; and expected the same tasks in every array, found 3 of a, 4 of b",
        ),
        (
            {"a": [["x", 1]]},
            LONG,
            "mapping: by: expected None, as the keys of a mapping are its cells, found 'optimizer'; and run 0, task 0:"
            " a: expected a number, found 'x'",
        ),
    ],
)
def test_objects_are_refused_with_their_faults(source: Any, roles: dict[str, Any], line: str) -> None:
    assert refusal(source, **roles) == line
