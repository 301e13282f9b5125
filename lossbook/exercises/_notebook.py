"""Exercises as files to work in: a script for one, a notebook for many."""

import json
import re
from pathlib import Path
from typing import Any

from ._catalogue import Entry
from ._exercise import exercise

IMPORTS = """\
import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint
"""
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
MARKS = {1: "easy", 2: "takes a thought", 3: "hard"}


def facts(entry: Entry) -> str:
    """Say in a line what an exercise asks of one."""
    after = f", after {', '.join(entry.after)}" if entry.after else ""
    return f"{entry.name}: level {entry.level} ({MARKS[entry.level]}), about {entry.minutes} minutes{after}"


def script(entry: Entry) -> str:
    """Give a script to begin with: the statement above the stub, and the call that names the exercise."""
    lines = [entry.title, facts(entry), "", *entry.statement.splitlines()]
    statement = "\n".join(f"# {line}".rstrip() for line in lines).removesuffix("\n#")
    return f"{statement}\n\n{IMPORTS}\nfrom lossbook.exercises import check\n\n\n{_stub(entry)}\n"


def notebook(title: str, entries: list[Entry], *, solutions: bool) -> str:
    """Give a notebook with the statement, stub and check of each exercise, with folded hints and solutions or without.

    Args:
        title: of the notebook.
        entries: the exercises.
        solutions: show ``help_for`` below each.
    """
    names = "check, help_for" if solutions else "check"
    cells = [
        _cell("markdown", "title", f"# {title}\n\nReplace each `...`, run the cell, and see whether it is right."),
        _cell("code", "set-up", f"{IMPORTS}\nfrom lossbook.exercises import {names}"),
    ]
    for entry in entries:
        word = re.sub(r"\W|_", "-", entry.name)[:55]
        cells.append(_cell("markdown", f"task-{word}", f"## {entry.title}\n\n*{facts(entry)}*\n\n{entry.statement}"))
        code = _stub(entry) + (f'\nhelp_for("{entry.name}")' if solutions else "")
        cells.append(_cell("code", f"answer-{word}", code))
    held = {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"


def write_new(text: str, path: Path) -> None:
    """Write a file that is not there yet: it would hold somebody's answers."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)


def _stub(entry: Entry) -> str:
    stub = exercise(entry.name).stub
    names = re.findall(r"^def (\w+)", stub, re.MULTILINE)
    return f'{stub}\n\n\ncheck("{entry.name}", {names[-1]})'


def _cell(kind: str, name: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": text.strip()}
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})
