"""What the commands say when a step fails, and where the book believes that its repository is."""

import json
import re
import subprocess
import sys
from pathlib import Path

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
    others = ("book", "test", "chapters", "bench", "setup", "clean")
    assert all(f"  {name} " in told.stdout for name in (*make.STEPS, *make.ON_GPU, *others))


def test_the_makefile_has_every_command():
    makefile = (make.ROOT / "Makefile").read_text(encoding="utf-8")
    commands = next(line for line in makefile.splitlines() if line.startswith("COMMANDS = ")).split()[2:]
    assert set(commands) == {*make.STEPS, *make.ON_GPU, "book", "test", "chapters", "bench", "setup", "clean"}


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


def test_a_step_may_set_variables_and_name_files_by_a_star(tmp_path, monkeypatch):
    python = Path(sys.executable)
    monkeypatch.setattr(make, "ROOT", tmp_path)
    monkeypatch.setattr(make, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(make, "PYTHON", python)
    for name in ("b1.txt", "b0.txt", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "show.py").write_text("import os, sys; print(os.environ['SET'], os.environ['ALSO'], *sys.argv[1:])")
    assert make.run("unit", f"SET=1 ALSO=a=b {python.name} show.py -x=2 b*.txt") == ["1 a=b -x=2 b0.txt b1.txt"]


def test_the_kernels_are_tested_in_the_interpreter():
    (command,) = make.STEPS["kernels"]
    assert command.startswith("TRITON_INTERPRET=1 pytest ")
    assert "tests/fused" in make.words(command)


def test_without_a_gpu_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    for name in make.ON_GPU:
        assert make.on_gpu(name) == 1
        assert re.fullmatch(f"make {name}: torch .+ sees no CUDA device here\n", capsys.readouterr().out)


def test_without_a_package_one_line_says_so(monkeypatch, capsys):
    monkeypatch.setitem(make.ON_GPU, "gpu", ("torch no_such_one nor_this", "-c pass"))
    assert make.on_gpu("gpu") == 1
    assert capsys.readouterr().out == f"make gpu: {sys.executable} has no no_such_one, nor_this\n"


def test_on_a_gpu_the_python_at_hand_runs_from_the_checkout(monkeypatch, capfd):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv("PYTHONPATH", "more")
    told = "import lossbook, os, sys; print(lossbook.__file__, sys.argv[1:], 'TRITON_INTERPRET' in os.environ)"
    told += "; assert os.path.abspath('more') in sys.path"
    monkeypatch.setattr(make, "words", lambda command: ["-c", told, *command.split()])
    assert make.on_gpu("bench-gpu", "ctc") == 0
    arguments = ["benchmarks/bench.py", "--form", "fused", "--device", "cuda", "ctc"]
    assert capfd.readouterr().out == f"{make.ROOT / 'lossbook' / '__init__.py'} {arguments} False\n"


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
