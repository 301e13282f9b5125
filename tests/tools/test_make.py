"""What the commands run and say, and where the book finds its repository and its outputs."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import book_extension
import make
import pytest
from conftest import is_about
from subjects import SUBJECTS

from lossbook import functional


def command(*arguments):
    return subprocess.run(
        [sys.executable, make.__file__, *arguments], capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_help_names_every_command():
    told = command("help")
    assert told.returncode == 0
    others = ("test", "stem", "chapters", "bench", "setup", "clean")
    assert all(f"  {name} " in told.stdout for name in (*make.STEPS, *make.ON_GPU, *others))


def test_the_makefile_has_every_command():
    makefile = (make.ROOT / "Makefile").read_text(encoding="utf-8")
    commands = next(line for line in makefile.splitlines() if line.startswith("COMMANDS = ")).split()[2:]
    assert set(commands) == {
        *make.STEPS,
        *make.ON_GPU,
        "test",
        "stem",
        "chapters",
        "bench",
        "setup",
        "offline",
        "clean",
    }


def test_the_offline_book_is_the_built_one(monkeypatch, tmp_path, capsys):
    built = tmp_path / "html" / "index.html"
    monkeypatch.setitem(make.SITES, "book", built)
    monkeypatch.setattr(make, "ARCHIVE", tmp_path / "book")
    with pytest.raises(SystemExit, match="run `make book` first"):
        make.offline()
    built.parent.mkdir()
    built.write_text("<h1>lossbook</h1>", encoding="utf-8")
    assert make.offline() == 0
    assert zipfile.ZipFile(tmp_path / "book.zip").read("html/index.html") == b"<h1>lossbook</h1>"
    assert "book.zip" in capsys.readouterr().out


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


def test_what_was_compiled_is_kept_where_clean_removes_it(tmp_path, monkeypatch):
    assert make.environment()["TORCHINDUCTOR_CACHE_DIR"] == str(make.ROOT / "_build" / "inductor")
    monkeypatch.setattr(make, "ROOT", tmp_path)
    kept = Path(make.environment()["TORCHINDUCTOR_CACHE_DIR"])
    kept.mkdir(parents=True)
    make.clean()
    assert not kept.exists()


def commands(*arguments):
    """What a command runs, step by step."""
    return {name: each for chain in make.plan(*arguments) for name, each in chain}


def test_the_test_command_runs_each_chapter_once_and_the_book_command_by_itself():
    ran = list(commands("test"))
    assert ran == list(make.STEPS)
    assert ran.index("notebooks") < ran.index("book") < ran.index("site")
    assert "-p warm_kernels -p keep_executed" in commands("test")["notebooks"][0]
    assert commands("test")["book"] == [f"LOSSBOOK_EXECUTED=_build/executed {make.BOOK}"]
    assert commands("book") == {"book": [make.BOOK]}


def test_what_the_notebooks_left_before_is_not_shown_again(tmp_path, monkeypatch):
    for name in ("LOGS", "EXECUTED"):
        monkeypatch.setattr(make, name, tmp_path / name)
    monkeypatch.setattr(make, "run", lambda *_: [])
    make.EXECUTED.mkdir()
    make.step("unit", [], quiet=True)
    assert make.EXECUTED.exists()
    make.step("notebooks", [], quiet=True)
    assert not make.EXECUTED.exists()


def test_one_stem_is_not_another():
    one = commands("stem", "l1")
    assert list(one) == ["unit", "notebooks", "page", "kernels", "types", "lint"]
    assert {path for each in one.values() for path in each[0].split() if path.endswith((".py", ".ipynb"))} == {
        "--ignore=tests/book/test_site.py", "lossbook/fused/l1.py",
        "lossbook/regression/l1.py", "book/regression/l1.ipynb", "LOSSBOOK_PAGE=book/regression/l1.ipynb",
    }  # fmt: skip
    assert all("--stem=l1 " in one[name][0] for name in ("unit", "kernels"))
    for name in make.OF_STEM.keys() - {"page"}:
        assert commands(name, "l1") == {name: one[name]}


def test_a_stem_without_a_chapter_or_a_kernel_says_so_and_goes_on(capsys):
    assert list(commands("stem", "log_cosh")) == ["unit", "types", "lint"]
    lacks = "nothing to do, log_cosh has no"
    said = f"== notebooks: {lacks} chapter\n== page: {lacks} chapter\n== kernels: {lacks} kernel\n"
    assert capsys.readouterr().out == said
    assert commands("kernels", "what_a_loss_is") == {}
    assert "book/foundations/what_a_loss_is.ipynb" in commands("stem", "what_a_loss_is")["notebooks"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stem", "hubr"), "make stem ONLY=hubr: no loss and no chapter has this name; did you mean huber"),
        (("unit", "nll_loss"), "did you mean nll"),
        (("kernels", "zzz"), "no loss and no chapter has this name$"),
        (("stem",), "make stem takes one loss or chapter, as in ONLY=huber; got none"),
        (("unit", "l1", "mse"), "make unit takes one loss or chapter, as in ONLY=huber; got l1 mse"),
        (("book", "huber"), "make book takes no ONLY"),
        (("test", "huber"), "make test takes no ONLY"),
    ],
)
def test_what_only_may_not_be(arguments, said):
    with pytest.raises(SystemExit, match=said):
        make.plan(*arguments)


STEMS = {subject.stem: subject for subject in SUBJECTS}


@pytest.mark.parametrize(
    ("file", "given", "stem"),
    [
        ("test_promises.py", {"subject": STEMS["l1"]}, "l1"),
        ("test_promises.py", {"subject": STEMS["smooth_l1"], "reduction": "mean"}, "smooth_l1"),
        ("test_ctc.py", {"scale": 1.0}, "ctc"),
        ("test_kl_div_with_logits.py", {"name": "js_div_with_logits"}, "js_div_with_logits"),
        ("test_segmentation.py", {"loss": functional.dice_loss}, "dice"),
        ("test_overlap.py", {"name": "tversky_loss", "kind": "sigmoid"}, "tversky"),
        ("test_linear_cross_entropy.py", {}, "linear_cross_entropy"),
        ("test_chapters.py", {"path": Path("book/foundations/what_a_loss_is.ipynb")}, "what_a_loss_is"),
        ("test_exercises.py", {"name": "cross_entropy.gradient", "label": "softmax"}, "cross_entropy"),
        ("huber.py", None, "huber"),  # a docstring
        ("test_promises.py", {}, None),
    ],
)
def test_what_a_test_is_about(file, given, stem):
    item = SimpleNamespace(path=Path(file), **({} if given is None else {"callspec": SimpleNamespace(params=given)}))
    assert [name for name in sorted(make.names()) if is_about(item, name)] == ([stem] if stem else [])


def test_every_loss_has_a_name_that_only_takes():
    assert set(STEMS) <= make.names()


CODE = [["import torch"], ["x = 1\n", "x"]]


@pytest.fixture
def executed(tmp_path):
    """A chapter with stored outputs, and what a run of it left."""
    stored, fresh = ([new_cell("stored", source) for source in CODE], [new_cell("fresh", source) for source in CODE])
    path = tmp_path / "x.ipynb"
    path.write_text(json.dumps({"cells": fresh}), encoding="utf-8")
    return {"cells": [{"cell_type": "markdown", "source": ["# T"]}, *stored]}, path


def new_cell(output, source):
    return {"cell_type": "code", "source": source, "outputs": [{"output_type": "stream", "text": output}]}


def shown(notebook):
    return [output["text"] for cell in notebook["cells"] for output in cell.get("outputs", [])]


def test_the_book_shows_the_outputs_of_the_run(executed):
    notebook, path = executed
    assert book_extension.take_outputs(notebook, path) == ""
    assert shown(notebook) == ["fresh", "fresh"]
    assert notebook["cells"][0]["source"] == ["# T"]


def test_the_book_shows_no_output_of_another_chapter_or_of_none(executed, tmp_path):
    notebook, path = executed
    notebook["cells"][2]["source"] = ["x = 2\n", "x"]
    assert "is of other cells" in book_extension.take_outputs(notebook, path)
    assert shown(notebook) == []
    assert "there is no" in book_extension.take_outputs(notebook, tmp_path / "none.ipynb")


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
