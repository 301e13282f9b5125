"""Run chapters from a fresh kernel and store them in the one form that git and nbval agree on.

    python tools/chapters.py                                  every chapter under book/
    python tools/chapters.py huber                            or book/regression/huber.ipynb
    python tools/chapters.py --check                          run, store nothing, show what is stale

What is stored: the outputs of a run from top to bottom, counted 1..n, as text; of a figure its `text/plain` alone
(nbval skips images, and one image is most of a notebook's size); of an explorer one line in place of its frames
(`lossbook.notebook.explore.STORED`), and beside the book its first figure as book/_static/curves/STEM.svg, for readers
of the notebook on GitHub; cell ids that are words (a random one is replaced, made from the heading above it); the
shared first code cell; how many minutes the chapter takes; no metadata but `tags`, `mystnb` and `jupyter`. Two runs
store the same bytes.

Warnings are errors. It needs no filter: a kernel prints a warning on stderr, and stderr is refused here, by nbval (a
stream that is not stored) and by the book (`stderr_output: error` in _config.yml).

A chapter that fails is left as it was.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 120  # seconds that a cell may take, as in _config.yml
CURVES = ROOT / "book" / "_static" / "curves"
PARTS = "value|gradient|title|curve|reference|tangent|grid|axis|probe"
SHAPES = rf"\.lossbook-explorer (svg svg|text|path|circle|\.({PARTS})\b).*\}}$"  # of explore.css, what draws the curves

SETUP = """\
# Colab brings torch and numpy: only lossbook is installed there, nothing else.
import importlib.util
import sys

if importlib.util.find_spec("lossbook") is None:
    if "google.colab" not in sys.modules:
        sys.exit('Type: pip install "lossbook[book]" (in a clone: pip install .)')
    %pip install --quiet --no-deps lossbook"""
"""The first code cell of every chapter, left out of the site. It installs by name: no address can go stale."""

NOTEBOOK = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
KEPT_METADATA = ("tags", "mystnb", "jupyter")
KEPT_TYPES = ("text/plain", "text/html", "text/latex", "text/markdown")
DROPPED_TYPES = ("image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json")  # what nbval skips
FORM: dict[str, Any] = {"indent": 1, "sort_keys": True, "ensure_ascii": False}
WORDS = re.compile(r"[a-z]{2,}(-[a-z0-9]+)*")  # a cell id that was given, `naive-overflow`, not `3f9ac02e`


class ChapterError(Exception):
    """A chapter that cannot be stored, and why."""


def main(arguments: list[str]) -> int:
    """Run the chapters named, or all; return how many are broken or, under --check, stale."""
    parser = argparse.ArgumentParser(description="Run chapters from a fresh kernel and store them.")
    parser.add_argument("--check", action="store_true", help="store nothing, show what is stale")
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks or names of chapters; all unless given")
    options = parser.parse_args(arguments)
    paths = [found(path) for path in options.paths] or chapters()
    failed = 0
    for number, path in enumerate(paths, 1):
        start = time.monotonic()
        print(
            f"[{number}/{len(paths)}] {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path} ",
            end="",
            flush=True,
        )
        try:
            old = path.read_text(encoding="utf-8")
            new, picture = fresh(old, path.parent)
        except (OSError, ChapterError) as error:
            failed += 1
            print(
                f"FAILED\n  {path.name}, {error}" if isinstance(error, ChapterError) else f"FAILED\n  {error}",
                flush=True,
            )
            continue
        said = "unchanged" if old == new else "STALE" if options.check else "stored"
        print(f"{said} ({time.monotonic() - start:.1f} s)", flush=True)
        if old != new and options.check:
            failed += 1
            print(first_difference(old, new))
        elif old != new:
            replace(path, new)
        if picture and not options.check and path.is_relative_to(ROOT):
            replace(CURVES / f"{path.stem}.svg", picture)
    return failed


def chapters() -> list[Path]:
    """Every chapter of the book."""
    return sorted(path for path in (ROOT / "book").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def found(path: Path) -> Path:
    """The chapter that a bare name stands for; a path stays what it is."""
    return next((chapter for chapter in chapters() if Path(chapter.stem) == path), path)


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(text, encoding="utf-8", newline="\n")
    os.replace(aside, path)


def fresh(text: str, folder: Path) -> tuple[str, str]:
    """The text of a notebook as it is stored after a run, and the picture of its explorer or ""."""
    notebook = prepared(text)
    execute(notebook, folder)
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    shown = (output.get("data", {}).get("text/html", "") for output in outputs)
    picture = next((curves(html) for html in shown if re.match("<div class=.lossbook-explorer.*<style>", html)), "")
    return normalised(notebook), picture


def curves(html: str) -> str:
    """The two panels of an explorer, as it starts, in one SVG that stands alone: dark ink on a white card."""
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]  # type: ignore[index]
    kept = [rule for rule in style.split("@media")[0].splitlines() if re.match(SHAPES, rule)]
    panels = re.findall(r'<svg class="(\w+)" viewBox="0 0 (\d+) (\d+)".*?>(.*?</g>)</svg>(?=<svg class|</div>)', html)
    width, height = (int(size) for size in panels[0][1:3])
    drawn = "\n".join(
        f'<svg class="{kind}" x="{number * width}" width="{width}" height="{height}">{panel}</svg>'
        for number, (kind, _, _, panel) in enumerate(panels)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lossbook-explorer" viewBox="0 0 {2 * width} {height}">\n'
        f"<style>.lossbook-explorer {{ font: 12px sans-serif; color: #000 }}\n{chr(10).join(kept)}\n</style>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n{drawn}\n</svg>\n'
    )


def prepared(text: str) -> NotebookNode:
    """The notebook with its shared first code cell, its named cells and no metadata that says nothing."""
    try:
        notebook = nbformat.reads(text, as_version=4)
        notebook.update(metadata=NOTEBOOK, nbformat=4, nbformat_minor=5)
        first = next((cell for cell in notebook.cells if cell.cell_type == "code"), None)
        if first is None or "find_spec" not in first.source:
            notebook.cells.insert(1, nbformat.v4.new_code_cell(metadata={"tags": ["remove-cell"]}))
            first = notebook.cells[1]
        first.update(id="setup", source=SETUP)
        name_cells(notebook.cells)
        say_minutes(notebook)
        for cell in notebook.cells:
            if cell.id == "imports":  # folded on the page
                cell.metadata["tags"] = sorted({*cell.metadata.get("tags", []), "hide-input"})
                cell.metadata["mystnb"] = {
                    "code_prompt_show": "Show the imports",
                    "code_prompt_hide": "Hide the imports",
                }
        for cell in notebook.cells:
            cell.metadata = NotebookNode({key: cell.metadata[key] for key in KEPT_METADATA if cell.metadata.get(key)})
        nbformat.validate(notebook)
    except (KeyError, TypeError, AttributeError, ValueError, nbformat.ValidationError) as error:
        raise ChapterError(f"not a notebook of format 4: {type(error).__name__}: {error}") from None
    return notebook


def minutes(notebook: NotebookNode) -> int:
    """How long a chapter takes without its exercises: 200 words a minute, half a minute a cell, in steps of 5."""
    before = itertools.takewhile(lambda cell: not cell.source.startswith("## Exercises"), notebook.cells)
    cells = [(cell.cell_type, len(cell.source.split())) for cell in before]
    exact = sum(words / 200 if kind == "markdown" else 0.5 for kind, words in cells)
    return max(5, 5 * round(exact / 5))


def say_minutes(notebook: NotebookNode) -> None:
    """Keep the number of the line `*15 minutes, after ...*` right, where there is one."""
    opening = notebook.cells[0]
    opening.source = re.sub(
        r"^\*\d+ minutes\b", f"*{minutes(notebook)} minutes", opening.source, count=1, flags=re.MULTILINE
    )


def name_cells(cells: list[NotebookNode]) -> None:
    """Name each cell whose id is random or taken after the heading above it; a name that was given stays."""
    given = [cell.get("id", "") for cell in cells]
    taken = {name for name in given if WORDS.fullmatch(name)}
    heading = "opening"
    for number, (cell, name) in enumerate(zip(cells, given, strict=True)):
        title = re.match(r"#+ +(.+)", cell.source) if cell.cell_type == "markdown" else None
        heading = "-".join(re.findall(r"[a-z]{2,}", title[1].lower())[:5]) or heading if title else heading
        if WORDS.fullmatch(name) and name not in given[:number]:
            continue
        wanted = heading if title else f"{heading}-{'code' if cell.cell_type == 'code' else 'text'}"
        candidates = [wanted, *(f"{wanted}-{count}" for count in range(2, len(cells) + 2))]
        cell["id"] = next(name for name in candidates if name not in taken)
        taken.add(cell["id"])


def execute(notebook: NotebookNode, folder: Path) -> None:
    """Run every code cell in a fresh kernel that starts in `folder`, as nbval does."""
    resources = {"metadata": {"path": str(folder)}}
    quiet = ["--log-level=ERROR"]  # of the kernel's own log, not of what a cell prints
    os.environ["LOSSBOOK_QUIET"] = "1"  # no line of progress among the outputs
    client = NotebookClient(notebook, timeout=TIMEOUT, record_timing=False, extra_arguments=quiet, resources=resources)
    with client.setup_kernel():
        for number, cell in enumerate(notebook.cells, 1):
            where = f"cell {number} ({cell.id})"
            try:
                client.execute_cell(cell, number - 1, store_history=False)
            except CellExecutionError as error:
                source = "".join(f"\n    {line}" for line in cell.source.splitlines())
                raise ChapterError(f"{where}: {error.ename}: {error.evalue}{source}") from None
            except (CellTimeoutError, DeadKernelError) as error:
                raise ChapterError(f"{where}: {type(error).__name__}: {str(error).splitlines()[0]}") from None
            printed = "".join(output.text for output in cell.get("outputs", []) if output.get("name") == "stderr")
            if printed:
                raise ChapterError(f"{where}: warns, and a warning is an error:\n    {printed.strip()}")


def normalised(notebook: NotebookNode) -> str:
    """The text under which a notebook that ran is stored."""
    for count, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), 1):
        cell.execution_count = count
        cell.outputs = [stored(output, count) for output in merged(cell.outputs)]
    text: str = nbformat.writes(notebook, version=4, **FORM)
    return text.rstrip("\n") + "\n"


def merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """One stream of each name, however the kernel cut it up; nbval does the same."""
    kept: list[NotebookNode] = []
    streams: dict[str, NotebookNode] = {}
    for output in outputs:
        if output.output_type == "stream" and output.name in streams:
            streams[output.name].text += output.text
            continue
        kept.append(output)
        if output.output_type == "stream":
            streams[output.name] = output
    return kept


def stored(output: NotebookNode, count: int) -> NotebookNode:
    """An output without what differs from run to run or would swell the repository."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    if "data" in output:
        unknown = set(output.data) - {*KEPT_TYPES, *DROPPED_TYPES}
        if unknown:
            raise ChapterError(
                f"code cell {count} shows {', '.join(sorted(unknown))}: a chapter shows text, HTML and PNG"
            )
        output.data = NotebookNode(
            {kind: shortened(kind, output.data[kind]) for kind in output.data if kind in KEPT_TYPES}
        )
        output.metadata = NotebookNode()
    if output.output_type == "execute_result":
        output.execution_count = count
    return output


def shortened(kind: str, value: str) -> str:
    """An explorer's frames give way to one line; tests/nbval.cfg tells nbval the same."""
    if kind != "text/html" or "lossbook-explorer" not in value:
        return value
    from lossbook.notebook.explore import STORED, STORED_PATTERN  # imports torch: only where it is needed

    return STORED_PATTERN.sub(STORED, value)


def first_difference(old: str, new: str) -> str:
    """A unified diff of the first cell that differs, or else of what stands around the cells."""
    before, after = (
        [json.dumps(cell, **FORM).splitlines() for cell in json.loads(text)["cells"]] for text in (old, new)
    )
    for number, cell in enumerate(after):
        if number >= len(before) or before[number] != cell:
            names = f"stored cell {number + 1}", f"fresh cell {number + 1}"
            return "\n".join(difflib.unified_diff((*before, [])[number], cell, *names, lineterm=""))
    return "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), "stored", "fresh", lineterm=""))


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
