"""The cheat sheet: of each loss with a chapter the facts that the chapter opens with, and the line to copy.

They are read from the notebooks when the book is built. A printed page has no room for asides: what follows a semicolon
is left to the chapter where it would be long, unless it is another way to call the loss.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import book_api
import yaml
from book_docstring import escaped

ROOT = Path(__file__).resolve().parent.parent
FACT = re.compile(r"^\| \*\*(.+?)\*\* \| (.*) \|$", re.MULTILINE)
ASIDE = re.compile(r": (?:neither )?torch |, and torch ")  # what torch does with a wrong call
ROOM = 90  # characters of a cell
COLUMNS = ("What goes in", "Target", '"mean" divides by', "Smallest value")


def sheet(page: str) -> str:
    """The table, in the order of the contents; a part of the book is a heading in it."""
    head = ("Loss, and how to call it", *COLUMNS)
    rows: list[tuple[str, ...]] = []
    for part, chapters in contents().items():
        own = [row for chapter in chapters if (row := row_of(page, chapter))]
        rows += [(f"**{part}**", *[""] * len(COLUMNS)), *own] if own else []
    return book_api.boxed("lb-sheet", book_api.table(head, rows))


def contents() -> dict[str, list[str]]:
    """The parts of _toc.yml with their pages."""
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    return {part["caption"]: [entry["file"] for entry in part["chapters"]] for part in parts}


def row_of(page: str, chapter: str) -> tuple[str, ...] | None:
    """The row of a chapter, or None where it is not of a loss."""
    path = ROOT / f"{chapter}.ipynb"
    if not path.is_file() or book_api.entry_of(chapter) is None:
        return None
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    opening = "".join(cells[0]["source"])
    facts = dict(FACT.findall(opening))
    if not set(COLUMNS) <= facts.keys():
        return None
    title = opening.splitlines()[0].removeprefix("# ")
    link = f"**[{escaped(title)}]({book_api.between(page, chapter, '.ipynb')})**"
    return f"{link}<br>`{call(cells)}`", *(brief(facts[column]) for column in COLUMNS)


def call(cells: list[dict[str, Any]]) -> str:
    """How lossbook's loss is called in the snippet to copy."""
    source = "".join(next(cell for cell in cells if cell["id"] == "to-copy")["source"])
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ours":
            return str(ast.get_source_segment(source, node.value))
    raise ValueError(f"a snippet to copy has no line `ours = ...`: {source}")


def brief(fact: str) -> str:
    """A fact without its asides and its links.

    Example:
        >>> brief("the index, `int64`; or [a probability](x.md) for each class; a model that guesses pays log C")
        'the index, `int64`; or a probability for each class; a model that guesses pays log C'
        >>> brief("floating point, the same shape: torch broadcasts, lossbook refuses")
        'floating point, the same shape'
    """
    said, *others = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", fact).split("; ")
    said = ASIDE.split(said)[0]
    for other in others:
        longer = f"{said}; {ASIDE.split(other)[0]}"
        if not re.match(r"(or|and)\b|`", other) and (len(longer) > ROOM or other.startswith("torch ")):
            break
        said = longer
    return said
