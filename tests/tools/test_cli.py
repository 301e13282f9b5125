"""The command `lossbook`: every command, bad input, files that mean harm, and marking."""

import ast
import csv
import dis
import json
import os
import re
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

from lossbook import cli
from lossbook.exercises import _file, _marking, _progress, check, exercise
from lossbook.exercises._catalogue import LEVELS, entries
from lossbook.exercises._notebook import IMPORTS, notebook, script
from lossbook.exercises._progress import Mark

ROOT = Path(__file__).resolve().parents[2]
ENTRIES = {entry.name: entry for entry in entries()}
HUBER = [name for name in ENTRIES if name.startswith("huber.")]
each = pytest.mark.parametrize("name", ENTRIES)
IMPORT = "from lossbook.exercises import check\n"
RIGHT = "def huber_gradient(error, delta):\n    return error.clamp(-delta, delta)\n"
WRONG = RIGHT.replace("delta)\n    ", "delta):\n    ").replace("clamp(-delta, delta)", "sign()")
CALL = 'check("huber.gradient", huber_gradient)\n'


def cells(*sources):
    made = [{"cell_type": "code", "source": source.splitlines(keepends=True)} for source in sources]
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def signs(first):
    """The map of the chapter on Huber loss, as a pattern, where one has begun with its gradient."""
    return re.escape("".join(first if name == "huber.gradient" else "." for name in HUBER))


# --- looking for one -------------------------------------------------------------------------------------------------


def in_the_chapters():
    """The folder, the title and the statement of each exercise, from the chapters."""
    found = {}
    for path in (ROOT / "book").rglob("*.ipynb"):
        before, title = "", ""
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                title = [title, *re.findall(r"^### (.*)$", text, re.MULTILINE)][-1]
                before = re.split(r"^### .*$", text, flags=re.MULTILINE)[-1]
            for name in re.findall(r'^check\("([\w.]+)"', text, re.MULTILINE):
                if name.split(".")[0] == path.stem:  # another page may show how it goes
                    found[name] = (path.parent.name, title, before)
    return found


CHAPTERS = in_the_chapters()


def minus(text):
    """A page has the sign for a minus, a terminal the one of the keyboard."""
    return text.replace("\N{MINUS SIGN}", "-")


@each
def test_an_exercise_says_what_it_asks_of_one(name):
    entry, (folder, title, statement) = ENTRIES[name], CHAPTERS[name]
    assert entry.title == exercise(name).title
    assert entry.topic == folder
    assert entry.title == title
    assert minus(entry.statement).split() == minus(statement).split()
    assert entry.level in LEVELS
    assert 1 <= entry.minutes <= 60
    assert set(entry.after) <= set(ENTRIES)
    assert all(ENTRIES[before].level <= entry.level for before in entry.after)


def test_nothing_comes_before_itself():
    done, left = set(), set(ENTRIES)
    while ready := {name for name in left if set(ENTRIES[name].after) <= done}:
        done |= ready
        left -= ready
    assert not left


def test_list_and_its_filters(lossbook):
    assert all(name in lossbook("list") for name in ENTRIES)
    told = lossbook("list", "--chapter", "huber", "--topic", "regression")
    assert re.findall(r"^  (\w+\.\w+)", told, re.MULTILINE) == HUBER
    repairs = [n for n, e in ENTRIES.items() if e.kind == "repair"]
    assert re.findall(r"^  (\w+\.\w+)", lossbook("list", "--kind", "repair"), re.MULTILINE) == repairs
    levels = {level: [n for n, e in ENTRIES.items() if e.level == level] for level in LEVELS}
    for level in filter(levels.get, LEVELS):
        assert re.findall(r"^  (\w+\.\w+)", lossbook("list", "--level", level), re.MULTILINE) == levels[level]


@each
def test_every_script_and_notebook_cell_is_one_to_begin_with(name):
    entry, task = ENTRIES[name], exercise(name)
    source = script(entry)
    assert list(_file._named(source)) == [name]
    assert ast.dump(ast.parse(task.stub).body[0]) in [ast.dump(node) for node in ast.parse(source).body]
    scope = {}
    exec(IMPORTS, scope)
    exec(task.solution, scope)
    loaded = dis.get_instructions(scope[ast.parse(task.solution).body[0].name])
    wanted = {step.argval for step in loaded if step.opname == "LOAD_GLOBAL"}
    assert wanted <= {*scope, *dir(__builtins__), *__builtins__}


@pytest.mark.parametrize("solutions", [True, False])
def test_a_notebook_of_everything_is_valid(solutions):
    made = notebook("All", list(ENTRIES.values()), solutions=solutions)
    held = nbformat.reads(made, as_version=4)
    nbformat.validate(held)
    text = "\n".join(cell["source"] for cell in held["cells"])
    assert [text.count(f'check("{name}", ') for name in ENTRIES] == [1] * len(ENTRIES)
    assert ("help_for" in text) is solutions
    assert not [name for name in ENTRIES if exercise(name).solution in text]


# --- check -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["my answers/huber gradient.py", r"C:\Users\me\hüber (1).py", "A.PY"])
def test_from_show_to_done(file, tmp_path, lossbook, progress):
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    assert lossbook("show", "huber.gradient", "-o", path) == ""
    assert path.read_text(encoding="utf-8") == lossbook("show", "huber.gradient")
    assert lossbook("check", path, code=1).startswith("huber.gradient: not attempted")
    assert not progress.exists()
    path.write_text(path.read_text(encoding="utf-8").replace("...", "error"), encoding="utf-8")
    assert "WRONG  " in lossbook("check", path, code=1)
    assert re.search(rf"huber +{signs('~')}  0 of {len(HUBER)}", lossbook("status"))
    path.write_text(path.read_text(encoding="utf-8").replace("return error", "return error.clamp(-delta, delta)"))
    assert "ok     value" in lossbook("check", path)
    assert re.search(rf"huber +{signs('+')}  1 of {len(HUBER)}", lossbook("status"))
    assert re.search(r"huber\.gradient .* done$", lossbook("list"), re.MULTILINE)


def test_a_script_to_repair_is_not_attempted_until_it_changes(tmp_path, lossbook):
    path = tmp_path / "mine.py"
    lossbook("show", "mse.constant", "-o", path)
    assert lossbook("check", path, code=1).startswith("mse.constant: not attempted")
    path.write_text(path.read_text(encoding="utf-8").replace("range(60)", "range(61)"), encoding="utf-8")
    assert "error: the squared error is" in lossbook("check", path, code=1)


def test_a_file_is_checked_for_all_that_it_names(tmp_path, lossbook):
    path = tmp_path / "answers.py"
    logit = "def logit_gradient(*arguments): return ...\n"
    path.write_text(
        f"{IMPORT}{RIGHT}{CALL}{WRONG.replace('gradient', 'weight')}check('huber.weight', huber_weight)\n"
        f"{logit}check('cross_entropy.gradient', logit_gradient)\ncheck('huber.nope', print)\nhuber_gradient = None\n"
    )
    told = lossbook("check", path, code=1)
    assert re.findall(r"^(\S+): (right|wrong|not attempted)", told, re.MULTILINE) == [
        ("huber.gradient", "right"),
        ("huber.weight", "wrong"),
        ("cross_entropy.gradient", "not attempted"),
        ("huber.nope", "wrong"),
    ]
    assert "no exercise is called 'huber.nope'" in told
    (report, *_) = json.loads(lossbook("check", "--json", path, code=1))
    assert (report["name"], report["status"]) == ("huber.gradient", "right")


def test_a_notebook_is_run_cell_by_cell(tmp_path, lossbook):
    path = tmp_path / "my notebook.ipynb"
    path.write_text(
        cells(
            "%pip install nothing\nimport sys\nif 1:\n    !ls\n" + IMPORT,
            "%%bash\nexit 1",
            "raise ValueError('halfway')",
            "def helper(error, delta):\n    return error.clamp(-delta, delta)",
            "huber_gradient = helper\ndisplay(helper)\n" + CALL,
        )
    )
    assert lossbook("check", path).startswith("huber.gradient: right")


HOSTILE = {
    "exits": ("import sys; sys.exit(0)", RIGHT, "SystemExit: 0"),
    "vanishes": ("import os; os._exit(0)", RIGHT, "it ended the process"),
    "interrupts": ("raise KeyboardInterrupt", RIGHT, "KeyboardInterrupt"),
    "never ends": ("while True: pass", RIGHT, "it took longer than 2 seconds"),
    "is full": ("x = bytearray(2**33)", RIGHT, "MemoryError"),
    "crashes": ("import ctypes; ctypes.string_at(0)", RIGHT, "it crashed the process"),
    "raises what cannot be told": (
        "class E(Exception):\n    def __str__(self): 1/0\nraise E",
        RIGHT,
        "line 4: E",
    ),
    "reads the solution": (
        "import os, lossbook.exercises as e\nopen(os.path.dirname(e.__file__) + '/huber/gradient.py')",
        RIGHT,
        "may not read",
    ),
    "asks for the solution": (
        "from lossbook.exercises import exercise\nhuber_gradient = exercise('huber.gradient').solved",
        "",
        "IndexError",
    ),
    "writes": ("open('there', 'w')", RIGHT, "may not write"),
    "removes": ("import os; os.remove(__file__)", RIGHT, "may not call os.remove"),
    "starts a process": ("import os; os.system('true')", RIGHT, "may not call os.system"),
    "changes the judge": (
        "import lossbook.exercises._judge as j; j.Report.status = 'right'; j.judge = lambda *a, **k: j.Report('', [])",
        WRONG,
        "expected ",
    ),
    "sends results of its own": (
        "import os\nfor fd in range(3, 99):\n"
        '    try: os.write(fd, b\'{"names": ["huber.gradient"]}\\n{"done": true}\\n\')\n    except OSError: pass\n'
        "os._exit(0)",
        RIGHT,
        "refused, because it sends results of its own",
    ),
    "sends results through a file": (
        "import os\nfor fd in range(3, 99):\n"
        "    for name in (fd, f'/proc/self/fd/{fd}'):\n"
        "        try: open(name, 'wb', 0, closefd=name != fd).write("
        'b\'{"names": ["huber.gradient"]}\\n{"done": true}\\n\')\n'
        "        except (OSError, ValueError): pass\nos._exit(0)",
        RIGHT,
        "it ended the process",
    ),
    "says that it is done": (
        "",
        "import os\ndef huber_gradient(error, delta):\n    for fd in range(3, 99):\n"
        "        try: os.write(fd, b'{\"done\": true}\\n')\n        except OSError: pass\n    os._exit(0)\n",
        "refused, because it sends results of its own",
    ),
    "gives no function": ("huber_gradient = 3", "", "check takes the name of an exercise and your function"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_file_that_means_harm_is_a_verdict(kind, tmp_path, lossbook, progress, monkeypatch):
    monkeypatch.setattr(_file, "LOADING", 2.0)
    before, answer, words = HOSTILE[kind]
    path = tmp_path / "answers.py"
    path.write_text(f"{IMPORT}{before}\n{answer}{CALL}")
    told = lossbook("check", path, code=1)
    assert told.startswith("huber.gradient: wrong")
    assert words in " ".join(told.split())
    assert sorted(tmp_path.iterdir()) == [path, progress.parent]
    assert _progress.read(progress) == {"huber.gradient": Mark("tried")}


HARMLESS = {
    "floods": "print('x' * 10**8)\nfor _ in range(10**5): print('flood')",
    "sets a seed": "import torch; torch.manual_seed(0); torch.set_default_dtype(torch.float64)",
    "warns": "import warnings; warnings.warn('look out')",
    "wants an answer": "try: input()\nexcept (EOFError, OSError): pass",
    "reads what lies beside it": "assert 'check' in open(__file__).read(); assert 'check' in open('answers.py').read()",
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_a_file_does_before_its_answers_is_its_own(kind, tmp_path, lossbook):
    path = tmp_path / "answers.py"
    path.write_text(f"{IMPORT}{HARMLESS[kind]}\n{RIGHT}{CALL}")
    assert "flood" not in lossbook("check", path)


@pytest.mark.parametrize(("before", "code"), [("", 0), ("import sys; sys.exit(0)", 1), ("while True: pass", 1)])
def test_without_a_child_a_file_runs_in_a_thread(before, code, tmp_path, lossbook, monkeypatch):
    monkeypatch.setattr(_file, "in_a_child", lambda *_: None)
    monkeypatch.setattr(_file, "LOADING", 1.0)
    path = tmp_path / "answers.py"
    path.write_text(f"{IMPORT}{before}\n{RIGHT}{CALL}")
    main, folder, arguments = sys.modules["__main__"], os.getcwd(), sys.argv
    lossbook("check", path, code=code)
    assert (sys.modules["__main__"], os.getcwd(), sys.argv) == (main, folder, arguments)
    assert sys.modules["lossbook.exercises"].check is check


def test_watch_checks_again_when_the_file_changes(tmp_path, lossbook, monkeypatch):
    path = tmp_path / "answers.py"
    path.write_text(IMPORT + WRONG + CALL)
    steps = iter([lambda: path.write_text(""), lambda: None, lambda: path.write_text(IMPORT + RIGHT + CALL)])

    def sleep(_):
        step = next(steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()

    monkeypatch.setattr(cli, "sleep", sleep)
    told = lossbook("check", path, "--watch")
    assert re.findall(r"^huber.gradient: (\w+)", told, re.MULTILINE) == ["wrong", "right"]
    assert told.count("names no exercise") == 1


def test_hints_come_one_after_the_other_and_then_the_solution(lossbook):
    task = exercise("huber.weight")
    for hint in (task.nudge, task.sketch, task.sketch):
        assert hint in lossbook("hint", task.name)
    told = lossbook("solution", task.name)
    assert task.solution in told
    assert task.why in told


# --- bad input -------------------------------------------------------------------------------------------------------

BAD = {
    "an exercise that is none": (["show", "huber.nope"], "no exercise is called 'huber.nope'"),
    "a chapter that is none": (["hint", "nope"], "no chapter 'nope' has exercises"),
    "a filter for nothing": (
        ["list", "--topic", "nope"],
        "no topic 'nope' has exercises; those that have: ",
    ),
    "filters that exclude each other": (["list", "--topic", "regression", "--chapter", "tanh"], "no exercise has that"),
    "no file": (["check", "{}/a b.py"], "a b.py cannot be read: No such file"),
    "a folder": (["check", "{}"], "is neither a script"),
    "a folder like a script": (["check", "{}/folder.py"], "cannot be read: Is a directory"),
    "no Python": (["check", "{}/broken.py"], "broken.py is not Python, line 2"),
    "zeros": (["check", "{}/zeros.py"], "zeros.py (is not Python|cannot be read)"),
    "another encoding": (["check", "{}/wide.py"], "wide.py is not (Python|UTF-8)"),
    "no notebook": (["check", "{}/broken.ipynb"], "broken.ipynb is not a notebook"),
    "JSON that is no notebook": (["check", "{}/list.ipynb"], "list.ipynb is not a notebook"),
    "too deep": (["check", "{}/deep.ipynb"], "deep.ipynb (is not a notebook|cannot be read)"),
    "no exercise in it": (["check", "{}/empty.py"], r'empty.py names no exercise: call check\("huber.gradient"'),
    "no progress": (["import", "{}/broken.py"], "broken.py holds no progress of lossbook"),
    "progress that is a list": (["import", "{}/list.ipynb"], "holds no progress"),
    "a file that is somebody's": (["export", "{}/broken.py"], "broken.py holds no progress"),
    "a notebook that is there": (["notebook", "-o", "{}/broken.ipynb"], "broken.ipynb: File exists"),
    "a script that is there": (["show", "huber.weight", "-o", "{}/broken.py"], "broken.py: File exists"),
    "a notebook of another name": (["notebook", "-o", "{}/x.txt"], r"a notebook ends in \.ipynb"),
    "a notebook in no folder": (["notebook", "-o", "{}/no/x.ipynb"], "x.ipynb: No such file"),
    "nobody to mark": (["grade", "{}/folder.py"], "holds no student's script"),
    "no folder to mark": (["grade", "{}/broken.py"], "is not a folder"),
    "a table of another name": (["grade", "{}", "--csv", "{}/broken.py"], r"a table ends in \.csv"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_gets_a_sentence(kind, tmp_path, lossbook):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "broken.py").write_text(CALL + "def f(:\n")
    (tmp_path / "zeros.py").write_bytes(bytes(9))
    (tmp_path / "wide.py").write_text(CALL, encoding="utf-16")
    (tmp_path / "empty.py").write_text("x = 1\nx.check('not an exercise')\n")
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "list.ipynb").write_text("[]")
    (tmp_path / "deep.ipynb").write_text("[" * 10**5)
    arguments, words = BAD[kind]
    told = lossbook(*(argument.format(tmp_path) for argument in arguments), code=2)
    assert told.startswith("lossbook: ")
    assert re.search(words, told)
    assert len(told.splitlines()) == 1
    assert (tmp_path / "broken.py").read_text().startswith(CALL)


@pytest.mark.parametrize("arguments", [[], ["nope"], ["check"], ["list", "--level", "9"], ["notebook"], ["show"]])
def test_wrong_usage_is_2(arguments, capsys):
    with pytest.raises(SystemExit) as raised:
        cli.main(arguments)
    assert raised.value.code == 2
    assert "usage: lossbook" in capsys.readouterr().err


def test_the_command_is_installed():
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["scripts"] == {"lossbook": "lossbook.cli:main"}


def test_it_ends_quietly_when_nobody_reads_on(monkeypatch, capsys):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w") as broken:
        monkeypatch.setattr(sys, "stdout", broken)
        assert cli.main(["list"]) == 1
    assert capsys.readouterr().err == ""


# --- marking ---------------------------------------------------------------------------------------------------------


def test_marking_a_folder(tmp_path, lossbook, progress):
    folder = tmp_path / "the class"
    bob = folder / "Bob B"
    bob.mkdir(parents=True)
    (bob / "helper.py").write_text("def gradient(error, delta):\n    return error.clamp(-delta, delta)\n")
    mine = CALL.replace("huber_gradient", "gradient")
    first = f"from helper import gradient\n{mine}"
    second = "def huber_weight(error, delta): return error\n" + CALL.replace("gradient", "weight")
    (bob / "my.ipynb").write_text(cells(IMPORT, first, second))
    (folder / "eve.py").write_text(f"{IMPORT}exec(open({str(bob / 'helper.py')!r}).read())\n{mine}")
    (folder / "=mal.py").write_text(f"{IMPORT}print('{{}}\\n' * 10**6)\nimport os; os._exit(0)\n{RIGHT}{CALL}")
    (folder / "zoe").symlink_to(bob)
    told = lossbook("grade", folder, "--csv", tmp_path / "a table.csv")
    assert "Bob B: 1 right, 1 wrong" in told
    with (tmp_path / "a table.csv").open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["student", "huber.gradient", "huber.weight", "right", "note"]
    assert [row[:4] for row in rows] == [
        ["'=mal.py", "wrong", "not attempted", "0"],
        ["Bob B", "right", "wrong", "1"],
        ["eve.py", "wrong", "not attempted", "0"],
    ]
    assert [row[4] for row in rows] == [""] * 3
    assert not progress.exists()
    assert not [path for path in folder.rglob("*") if path.is_dir() and path not in (bob, folder / "zoe")]


def test_a_file_that_takes_too_long_is_noted(tmp_path, lossbook, monkeypatch):
    monkeypatch.setattr(_marking, "SECONDS", 0.1)
    (tmp_path / "ann.py").write_text(IMPORT + RIGHT + CALL)
    assert "ann.py: ann.py took longer than 0.1 seconds" in lossbook("grade", tmp_path)
