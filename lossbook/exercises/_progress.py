"""What a learner has done: one small file, which can be carried from machine to machine.

It lies in the user's data folder, or where the environment variable ``LOSSBOOK_PROGRESS`` says, and holds for each
exercise how far one got and how many hints were shown. Nothing that was reached is lost by a later try or a merge.
"""

import contextlib
import json
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

VERSION = 1
STATES = ("untouched", "tried", "done")  # from worse to better


class ProgressError(ValueError):
    """A file that holds no progress."""


class NewerError(ValueError):
    """A file that a newer version of lossbook wrote."""


@dataclass(frozen=True)
class Mark:
    """How far one got with an exercise.

    Attributes:
        state: one of "untouched", "tried" and "done".
        hints: how many of the two were shown.
    """

    state: str = "untouched"
    hints: int = 0

    def better(self, other: "Mark") -> "Mark":
        """Keep the better of two."""
        return Mark(max(self.state, other.state, key=STATES.index), max(self.hints, other.hints))


Marks = dict[str, Mark]


def progress_file() -> Path:
    """Where progress is kept.

    Raises:
        OSError: what is there is no file that could be replaced by another, such as a folder or ``/dev/null``.
    """
    given = os.environ.get("LOSSBOOK_PROGRESS")
    file = Path(given).expanduser() if given else _data_folder() / "lossbook" / "progress.json"
    if file.exists() and not file.is_file():
        raise OSError(f"{file} is not a file")
    return file


def _data_folder() -> Path:
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")


def read(file: Path) -> Marks:
    """Read progress from a file.

    Raises:
        ProgressError: it holds none.
        NewerError: a newer version wrote it.
        OSError: it cannot be read.
    """
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        version, exercises = held["version"], held["exercises"]
        marks = {name: Mark(**mark) for name, mark in exercises.items()} if version == VERSION else {}
        sound = isinstance(version, int) and all(_sound(mark) for mark in marks.values())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        sound = False
    if not sound:
        raise ProgressError(f"{file} holds no progress of lossbook")
    if version != VERSION:
        raise NewerError(f"{file} is of version {version}, and this lossbook reads version {VERSION}: update it")
    return marks


def _sound(mark: Mark) -> bool:
    return mark.state in STATES and type(mark.hints) is int and 0 <= mark.hints <= 2


def current() -> tuple[Marks, str]:
    """Give the progress so far, and a sentence about a broken file, which is kept aside.

    Raises:
        NewerError: a newer version wrote it; it stays as it is.
        OSError: it cannot be read.
    """
    file = progress_file()
    try:
        return read(file), ""
    except FileNotFoundError:
        return {}, ""
    except ProgressError as error:
        aside = _unused(file)
        os.replace(file, aside)
        return {}, f"{error}: it was kept as {aside.name}, and a new one begun"


def _unused(file: Path) -> Path:
    numbers = ("", *map(str, range(2, 1000)))
    return next(p for n in numbers if not (p := file.with_name(f"{file.stem}.broken{n}{file.suffix}")).exists())


def write(marks: Marks, file: Path) -> None:
    """Write progress to a file, at once or not at all."""
    held = {"version": VERSION, "exercises": {name: asdict(mark) for name, mark in sorted(marks.items())}}
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name, suffix=".new")
    try:
        with open(handle, "w", encoding="utf-8", newline="\n") as new:
            json.dump(held, new, indent=1)
            new.write("\n")
        os.replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def merged(marks: Marks, others: Marks) -> Marks:
    """Put two together, and keep the better of each."""
    return marks | {name: mark.better(marks.get(name, Mark())) for name, mark in others.items()}


def keep(marks: Marks) -> str:
    """Add to the progress so far; return a sentence where something went wrong: an exercise must not fail for that."""
    try:
        before, note = current()
        after = merged(before, marks)
        if after != before:
            write(after, progress_file())
    except (OSError, NewerError) as error:
        return f"progress is not kept: {error}"
    return note


def marked(status: str) -> Mark | None:
    """Give the mark for a report's status; None for an untouched stub."""
    return {"right": Mark("done"), "wrong": Mark("tried")}.get(status)
