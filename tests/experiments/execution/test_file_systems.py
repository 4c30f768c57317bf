"""Disks as they fail: full, and read-only; real ones, mounted for the test."""

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.experiments import studies
from tests.experiments.grids import ROOT, TABLES, tables

pytestmark = pytest.mark.takes_seconds


@functools.cache
def mounts() -> list[str] | None:
    """The command that a shell in which mounting is permitted begins with; None where it is not."""
    for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        done = subprocess.run([*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
        if done.returncode == 0:
            return command
    return None


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    if mounts() is None:
        pytest.skip("this user may not mount a file system")
    (tmp_path / "disk").mkdir()
    return tmp_path


def shell(folder: Path, script: str) -> list[str]:
    """The lines that a script prints in a mount namespace of its own, where `disk` is a file system of 3 MB.

    In it, `grid` and `summary` run the study there and print their exit code and their one line.
    """
    begin = mounts()
    assert begin is not None
    say = "2> err > out; echo $? $(grep -a fairgrid: err)"
    prelude = f"""
        mount -t tmpfs -o size=3m none disk
        only() {{ head -c $((3 * 1024 * 1024 - $1 * 1024)) /dev/zero > disk/ballast 2> ignored; }}
        grid() {{ {sys.executable} {ROOT}/scripts/run_grid.py study.toml --results disk --backend sequential {say}; }}
        summary() {{ {sys.executable} {ROOT}/scripts/summarize.py study.toml --results disk {say}; }}
    """
    (folder / "script.sh").write_text(prelude + script)
    done = subprocess.run(
        [*begin, "bash", "script.sh"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.fixture
def whole(mounted: Path) -> dict[str, bytes]:
    """The study's tables where there is space."""
    studies.run(mounted / "whole", studies.write(mounted, studies.TINY))
    return tables(mounted / "whole")


def test_full_disk_is_one_line_and_the_same_command_goes_on_once_there_is_space(
    mounted: Path, whole: dict[str, bytes]
) -> None:
    lines = shell(
        mounted,
        """
        for room in 80 160; do  # in KB: half of the records; the store, but not the figures
            only $room; grid; grep -ao "evaluation: .*runs.*" out; rm disk/ballast
        done
        ls -A disk
        grid; grep -ao "evaluation: .*runs.*" out
        cp disk/*.csv .
        """,
    )
    assert lines[:2] == [
        "5 fairgrid: disk/runs.sqlite: expected a usable store, found: database or disk is full",
        "evaluation: 20 runs, 0 done, 20 to train in 4 chunks",
    ]
    full = "expected a place that can be written to, found: No space left on device"
    assert re.fullmatch(rf"5 fairgrid: disk/figures/.*\.png: {full}", lines[2])
    assert lines[3] == "evaluation: 20 runs, 10 done, 10 to train in 2 chunks"
    assert "runs.sqlite" in lines
    assert not [line for line in lines if "partial" in line or "journal" in line]
    assert lines[-2:] == ["0", "evaluation: 20 runs, 20 done, 0 to train in 0 chunks"]
    assert {name: (mounted / name).read_bytes() for name in TABLES} == whole


def test_read_only_disk_is_one_line_and_its_tables_stay(mounted: Path, whole: dict[str, bytes]) -> None:
    lines = shell(
        mounted,
        "grid; mount -o remount,ro disk; grid; summary; mount -o remount,rw disk; summary; cp disk/*.csv .",
    )
    assert lines == [
        "0",
        "5 fairgrid: disk: expected a directory to write to, found: Read-only file system",
        "0",  # they are up to date, so there is nothing to write
        "0",
    ]
    assert {name: (mounted / name).read_bytes() for name in TABLES} == whole
