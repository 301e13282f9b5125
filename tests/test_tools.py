"""What the commands say when a step fails, and where the book believes that its repository is."""

import json
import subprocess
import sys

import book_extension
import make
import pytest


def command(*arguments):
    return subprocess.run(
        [sys.executable, make.__file__, *arguments], capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_help_names_every_command():
    told = command("help")
    assert told.returncode == 0
    assert all(
        f"  {name} " in told.stdout for name in (*make.STEPS, "book", "test", "chapters", "bench", "setup", "clean")
    )


def test_unknown_command_prints_the_help_and_fails():
    told = command("bok")
    assert told.returncode == 1
    assert "make book" in told.stdout


def test_a_failed_test_is_the_reason():
    lines = ["collected 2 items", "FAILED tests/test_a.py::test_b - assert 1 == 2", "= 1 failed, 1 passed in 0.1s ="]
    assert make.reason("unit", lines) == lines[1:2]


def test_without_a_line_that_says_why_the_last_ones_are_the_reason():
    lines = [f"line {number}" for number in range(100)]
    assert make.reason("types", lines) == lines[-20:]


NOTEBOOK = {
    "cells": [
        {"cell_type": "markdown", "id": "title", "source": ["# T"]},
        {"cell_type": "code", "id": "setup", "source": ["import torch"]},
        {"cell_type": "code", "id": "naive", "source": ["x = 1\n", "x / 0"]},
    ]
}
TRACEBACK = """
nbclient.exceptions.CellExecutionError: An error occurred while executing the following cell:
------------------
x = 1
x / 0
------------------

\x1b[0;31mZeroDivisionError\x1b[0m: division by zero
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository with one chapter."""
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "SITE", tmp_path / "site")
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "x.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    return tmp_path


def test_a_stale_cell_is_named(root):
    line = "FAILED book/x.ipynb::Cell 1 - Notebook cell execution failed"
    assert make.reason("notebooks", [line]) == [f"{line} (cell id naive)"]


def test_a_cell_that_stops_the_book_is_named(root):
    report = root / "site" / "reports" / "book" / "x.err.log"
    report.parent.mkdir(parents=True)
    report.write_text(TRACEBACK, encoding="utf-8")
    warning = "book/x.ipynb: WARNING: Executing notebook failed: CellExecutionError [mystnb.exec]"
    assert make.reason("book", ["reading sources", warning]) == [
        warning,
        "book/x.ipynb, cell 3 (naive): ZeroDivisionError: division by zero",
    ]


@pytest.mark.parametrize(
    ("origin", "page"),
    [
        ("https://github.com/someone/lossbook.git", "https://github.com/someone/lossbook"),
        ("https://github.com/someone/loss.book/", "https://github.com/someone/loss.book"),
        ("https://token@github.com/someone/lossbook", "https://github.com/someone/lossbook"),
        ("git@github.com:someone/lossbook.git", "https://github.com/someone/lossbook"),
        ("ssh://git@github.com/someone/lossbook.git", "https://github.com/someone/lossbook"),
        ("https://example.org/someone/lossbook.git", ""),
        ("../lossbook", ""),
        ("", ""),
    ],
)
def test_the_page_of_the_repository(origin, page):
    assert book_extension.github(origin) == page
