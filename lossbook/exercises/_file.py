"""Answers in a file: which exercises it names, and a report on each, with the file run where it can do no harm.

A file names its exercises as a chapter does, by a call of ``check("huber.gradient", huber_gradient)``, and is run as
Python runs it: a script from top to bottom, a notebook cell by cell. Where it runs, ``check`` only notes what it is
given, the time and the memory are limited, and nothing can be written; the comparison is made outside.
"""

import ast
import contextlib
import json
import linecache
import math
import os
import re
import sys
import threading
import time
import tokenize
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from ._cases import Case
from ._exercise import Exercise, exercise
from ._isolation import BUSY, FILES, HERE, WRITING, Forget, Place, Printed, in_a_child, in_a_thread
from ._judge import Check, Report, judge
from ._perform import Answer, Performance
from ._plain import Plain
from ._state import restore, snapshot

LOADING = 20.0  # seconds that a file may take before its answers are called
LARGEST = 2**25  # bytes of a file
SUFFIXES = (".py", ".ipynb")
REFUSED = {*FILES, *BUSY} - {"ctypes.dlopen"}


class FileError(ValueError):
    """A file that holds no answers, and why."""


@dataclass
class AnswerFile:
    """A file of answers.

    Attributes:
        path: of the file.
        cells: its code, each part with its name.
        named: the exercises that it names.
        closed: a folder into which it may not look, but for its own part of it.
        answers: what it gave to ``check``; known only where it ran.
        trouble: what it raised; known only where it ran.
        seconds: that it took to run.
    """

    path: Path
    cells: list[tuple[str, str]]
    named: list[str]
    closed: Path | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    trouble: str = ""
    seconds: float = 0.0

    def run(self) -> None:
        """Run the file, and note what it gives to ``check``; nothing is raised, and this process is the file's."""
        main = ModuleType("__main__")
        vars(main).update(__file__=str(self.path), display=print)
        vars(sys.modules[__package__]).update(check=self._note, help_for=lambda name: None)
        sys.modules["__main__"], sys.argv = main, [str(self.path)]
        sys.path.insert(0, str(self.path.parent))
        os.chdir(self.path.parent)
        os.environ["MPLBACKEND"] = "agg"
        warnings.simplefilter("ignore")
        for label, code in self.cells:
            linecache.cache[label] = (len(code), None, code.splitlines(keepends=True), label)
            try:
                with contextlib.redirect_stdout(Printed()), contextlib.redirect_stderr(Printed()):
                    exec(compile(code, label, "exec"), vars(main))
            except BaseException as error:  # whatever a file raises is a verdict
                self.trouble = self.trouble or self._told(error)

    def _note(self, name: str, answer: Answer) -> None:
        if not isinstance(name, str) or not callable(answer):
            raise TypeError('check takes the name of an exercise and your function: check("huber.gradient", mine)')
        self.answers[name] = answer

    def _told(self, error: BaseException) -> str:
        try:
            text = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}".removesuffix(": ")
        except BaseException:
            text = type(error).__name__
        labels, where, trace = [label for label, _ in self.cells], "", error.__traceback__
        while trace:
            if (label := trace.tb_frame.f_code.co_filename) in labels:
                where = f"{label}, line {trace.tb_lineno}: "
            trace = trace.tb_next
        return where + text

    def guard(self) -> None:
        """Refuse what no answer needs, in this process and for good."""
        sys.dont_write_bytecode = True
        sys.addaudithook(self._look)

    def _look(self, event: str, args: tuple[Any, ...]) -> None:
        if event in REFUSED:
            raise PermissionError(f"a file of answers may not call {event}")
        if event == "open":
            writes = bool((args[2] or 0) & WRITING) and args[0] != os.devnull
            if writes or self._is_closed(args[0]) or _inside(args[0], HERE):
                raise PermissionError(f"a file of answers may not {'write' if writes else 'read'} {args[0]!r}")
        elif event in ("os.listdir", "os.scandir") and self._is_closed(args[0] or "."):
            raise PermissionError("a file of answers may not look at those of others")

    def _is_closed(self, path: Any) -> bool:
        if self.closed is None:
            return False
        own = self.closed / self.path.relative_to(self.closed).parts[0]
        return _inside(path, self.closed) and not _inside(path, own)


def _inside(path: Any, folder: str | Path) -> bool:
    if isinstance(path, int):
        return False
    real, outer = os.path.realpath(os.fsdecode(path)), os.path.realpath(folder)
    return real == outer or real.startswith(outer + os.sep)


# --- reading ---------------------------------------------------------------------------------------------------------


def read(path: Path, closed: Path | None = None) -> AnswerFile:
    """Read a script or a notebook, without running it.

    Raises:
        FileError: it is none, it cannot be read, or it names no exercise.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise FileError(f"{path} is neither a script (.py) nor a notebook (.ipynb)")
    try:
        if path.stat().st_size > LARGEST:
            raise FileError(f"{path} is larger than {LARGEST // 2**20} MiB")
        with tokenize.open(path) as file:
            text = file.read()
        if path.suffix.lower() == ".py":
            cells = [(path.name, text)]
            ast.parse(text)
        else:
            cells = _code_cells(json.loads(text))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise FileError(f"{path} is not UTF-8: save it as UTF-8") from None
    except (json.JSONDecodeError, LookupError, TypeError, AttributeError):
        raise FileError(f"{path} is not a notebook: it does not hold one's JSON") from None
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ": it cannot be read as UTF-8"
        raise FileError(f"{path} is not Python{where}: {error.msg}") from None
    except FileError:
        raise
    except (ValueError, RecursionError, MemoryError) as error:
        raise FileError(f"{path} cannot be read: {error}") from None
    named = list(dict.fromkeys(name for _, code in cells for name in _named(code)))
    if not named:
        raise FileError(
            f'{path} names no exercise: call check("huber.gradient", huber_gradient) after your function, as a chapter'
            " does"
        )
    return AnswerFile(path.resolve(), cells, named, closed.resolve() if closed else None)


def _code_cells(notebook: Any) -> list[tuple[str, str]]:
    cells = []
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code":
            cells.append((f"cell {number}", _plain("".join(cell["source"]))))
    return cells


def _plain(code: str) -> str:
    """Leave out the commands of a notebook, such as ``%pip``, where a cell is not Python with them."""
    try:
        ast.parse(code)
    except SyntaxError:
        if code.lstrip().startswith("%%") and not re.match(r"%%(time|timeit|capture)\b", code.lstrip()):
            return ""
        lines = (line for line in code.split("\n"))
        return "\n".join(
            line[: -len(line.lstrip())] + "pass" if line.lstrip().startswith(("%", "!")) else line for line in lines
        )
    return code


def _named(code: str) -> Iterator[str]:
    """Find the exercises that a part of a file names, whether it comes to run or not."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = getattr(next(iter(node.args), None), "value", None)
            if called == "check" and isinstance(name, str) and re.fullmatch(r"\w+\.\w+", name):
                yield name


# --- judging ---------------------------------------------------------------------------------------------------------


class _Survey(Performance):
    """What a file gave to ``check``, and what it raised."""

    def result(self, answer: Answer, case: Case) -> Plain:
        file: AnswerFile = case.args[0]
        return {"value": {"said": json.dumps({"names": list(file.answers), "trouble": file.trouble})}}


@dataclass(frozen=True)
class _FromFile(Performance):
    """As an exercise's answers are called, with the answer of a file."""

    file: AnswerFile | None = None
    name: str = ""

    def given(self, answer: Answer) -> Answer:
        assert self.file is not None
        return self.file.answers[self.name]


def _in_the_file() -> None:
    """Stand for an answer that only exists where its file ran."""


def reports(file: AnswerFile) -> Iterator[Report]:
    """Judge every answer that a file names, one after the other."""
    tasks = {name: _task(name) for name in file.named}

    def forget() -> None:
        for task in tasks.values():
            if isinstance(task, Exercise):
                task.forget(_in_the_file)

    how, case = _Survey(None, (), (), ()), Case("file", [file], [])
    start = time.monotonic()
    (came,) = _place(file, how, [case], LOADING, forget)[:1] or [{}]
    found = json.loads(came["value"]["said"]) if "value" in came else came
    file.seconds = time.monotonic() - start
    refused = f"refused, because {found['nosy']}" if "nosy" in found else ""
    lost = found.get("ended") or found.get("trouble") or refused or "the file does not come to its check"
    given = found.get("names", [])
    for name in dict.fromkeys([*file.named, *given]):
        task = tasks.get(name) or _task(name)
        if isinstance(task, str):
            yield Report(name, [Check("name", False, task)])
        elif name in given:
            yield judge(task, _in_the_file, place=_place_of(file, name))
        else:
            yield Report(name, [Check("file", False, lost)])


def _task(name: str) -> Exercise | str:
    """Look an exercise up, or say that there is none."""
    try:
        return exercise(name)
    except ValueError as error:
        return str(error)


def _place_of(file: AnswerFile, name: str) -> Place:
    def place(how: Performance, _: Answer, cases: list[Case], seconds: float, forget: Forget) -> list[Plain]:
        mine = _FromFile(**vars(how), file=file, name=name)
        return _place(file, mine, cases, seconds + math.ceil(3 * file.seconds), forget)

    return place


def _place(file: AnswerFile, how: Performance, cases: list[Case], seconds: float, forget: Forget) -> list[Plain]:
    """Run the file and call its answer, in a child; where there can be none, each in a thread of this process."""

    def prepare() -> None:
        forget()
        file.guard()
        file.run()

    if sys.platform == "linux":
        found = in_a_child(how, _in_the_file, cases, seconds, prepare)
        if found is not None:
            return found
    if not file.answers and not file.trouble:
        _run_in_a_thread(file)
    return in_a_thread(how, _in_the_file, cases, seconds)


def _run_in_a_thread(file: AnswerFile) -> None:
    package = vars(sys.modules[__package__])
    ours = {name: package[name] for name in ("check", "help_for")}
    main, arguments, path, before = sys.modules["__main__"], sys.argv, list(sys.path), snapshot()
    runner = threading.Thread(target=file.run, daemon=True)
    runner.start()
    runner.join(LOADING)
    if runner.is_alive():
        file.trouble = f"it took longer than {LOADING:g} seconds"
    restore(before)
    package.update(ours)
    sys.modules["__main__"], sys.argv, sys.path[:] = main, arguments, path
