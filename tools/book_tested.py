"""What the page about the tests shows of them: an oracle as it stands in its file, and numbers counted now."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import book_api
from book_docstring import Docstring, blocks

from lossbook.exercises._catalogue import entries

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"


def oracle(_page: str, stem: str) -> str:
    """The formula of a loss as its docstring has it, and below it the definition that its value is compared with."""
    path = TESTS / "oracles" / f"{stem}.py"
    source = path.read_text(encoding="utf-8")
    (definition,) = (node for node in functions(source) if node.name == "oracle")
    family = next(family for family, stems in book_api.families().items() if stem in stems)
    function = next(iter(book_api.of_stem("lossbook.functional", stem).values()))
    parts = [
        f"`lossbook/{family}/{stem}.py` says:",
        blocks(Docstring.of(function).text),
        f"and `tests/oracles/{path.name}` says it once more:",
        book_api.code(str(ast.get_source_segment(source, definition))),
    ]
    return "\n\n".join(parts)


def numbers(_page: str) -> str:
    """What there is, counted in the files."""
    tests = list(defined(TESTS.rglob("*.py")))
    answers = list(defined((ROOT / "lossbook" / "exercises").glob("*/*.py")))
    code = list(cells())
    counted = {
        "losses and activations, each with its oracle": len(list((TESTS / "oracles").glob("[!_]*.py"))),
        "fused kernels, held to the same oracles": len(list((ROOT / "lossbook" / "fused").glob("[!_]*.py"))),
        "test functions, many of them run for every loss and setting": prefixed("test_", tests),
        "cells of the book that are run again and compared": len(code),
        "of them with an assert": sum("assert" in source for source in code),
        "exercises": len(entries()),
        "right answers to them that must pass": prefixed("right_", answers),
        "wrong answers that must be refused": prefixed("wrong_", answers),
    }
    rows = [(f"{count:,}".replace(",", "\N{NO-BREAK SPACE}"), what) for what, count in counted.items()]
    return book_api.table(("How many", "Of what"), rows)


def prefixed(prefix: str, names: list[str]) -> int:
    """How many names begin so."""
    return sum(name.startswith(prefix) for name in names)


def defined(paths: Iterable[Path]) -> Iterator[str]:
    """The names of the functions at the top of files."""
    for path in paths:
        yield from (node.name for node in functions(path.read_text(encoding="utf-8")))


def functions(source: str) -> Iterator[ast.FunctionDef]:
    """The functions at the top of a file."""
    yield from (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


def cells() -> Iterator[str]:
    """The code cells of the book."""
    for path in sorted((ROOT / "book").rglob("[!.]*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] == "code":
                    yield "".join(cell["source"])
