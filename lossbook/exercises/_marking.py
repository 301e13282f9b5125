"""A marking run for lecturers: what the students of a folder have answered, a row each, one column an exercise."""

import contextlib
import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ._file import SUFFIXES

ORDER = ("not attempted", "wrong", "right")  # from worse to better
SECONDS = 300.0  # that a file with all its answers may take
HIDDEN = ("__pycache__", "node_modules")


@dataclass(frozen=True)
class Row:
    """What one student has answered.

    Attributes:
        student: the name of the file or sub-folder.
        found: "right", "wrong" or "not attempted", by exercise.
        note: what could not be marked, and why.
    """

    student: str
    found: dict[str, str]
    note: str


def rows(folder: Path) -> Iterator[Row]:
    """Mark the students of a folder one by one: each has a file there, or a sub-folder with one or several.

    Each file is judged by a process of its own that knows nothing of the others and cannot read them.
    """
    for place in sorted(folder.iterdir(), key=lambda path: path.name.lower()):
        files = sorted(_files(place))
        if files:
            yield _marked(place.name, files, folder)


def _files(place: Path) -> Iterator[Path]:
    """Find the files of a student; a link might lead to the answers of another one."""
    if place.name.startswith(".") or place.name in HIDDEN or place.is_symlink():
        return
    if place.is_dir():
        for inner in place.iterdir():
            yield from _files(inner)
    elif place.is_file() and place.suffix.lower() in SUFFIXES:
        yield place


def _marked(student: str, files: list[Path], folder: Path) -> Row:
    found: dict[str, str] = {}
    notes = []
    for file in files:
        checked, note = _checked(file, folder)
        for name, status in checked.items():
            found[name] = max(status, found.get(name, ORDER[0]), key=ORDER.index)
        if note and (len(files) == 1 or "names no exercise" not in note):  # a file beside the answers may help them
            notes.append(note)
    if not found and not notes:
        notes = ["no file names an exercise"]
    return Row(student, found, "; ".join(notes))


def _checked(file: Path, folder: Path) -> tuple[dict[str, str], str]:
    command = [sys.executable, "-P", "-m", "lossbook.cli", "check", "--json", "--closed", str(folder), "--", str(file)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=SECONDS)
        return {report["name"]: report["status"] for report in json.loads(out.splitlines()[-1])}, ""
    except subprocess.TimeoutExpired:
        _kill(process)
        return {}, f"{file.name} took longer than {SECONDS:g} seconds"
    except (json.JSONDecodeError, IndexError, TypeError, KeyError):
        said = err.strip().splitlines()
        return {}, said[-1].removeprefix("lossbook: ") if said else f"{file.name} ended the process"
    except BaseException:  # the lecturer's Ctrl-C
        _kill(process)
        raise


def _kill(process: "subprocess.Popen[str]") -> None:
    """End a process with what it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def write_csv(marked: list[Row], exercises: list[str], path: Path) -> None:
    """Write one row a student and one column an exercise."""
    with path.open("w", encoding="utf-8-sig", errors="replace", newline="") as file:  # the mark is for spreadsheets
        table = csv.writer(file)
        table.writerow(["student", *exercises, "right", "note"])
        for row in marked:
            states = [row.found.get(name, ORDER[0]) for name in exercises]
            table.writerow([_cell(row.student), *states, states.count("right"), _cell(row.note)])


def _cell(text: str) -> str:
    """Keep a spreadsheet from computing what a student called a file."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
