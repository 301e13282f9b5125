"""The form of every stored chapter, seen without running it; and the tool that stores them.

Whether the outputs are still true is nbval's part (`make notebooks`).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import chapters
import nbformat
import pytest
import yaml
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from stored import alternative_text, is_of_a_loss, plain, printed, prose

from lossbook.exercises._index import TABLE_PATTERN as EXERCISES_PATTERN
from lossbook.exercises._rendering import DRAWN_PATTERN
from lossbook.notebook.explore import STORED, STORED_PATTERN
from lossbook.notebook.facts import TABLE_PATTERN
from lossbook.notebook.support import VERSIONS_PATTERN

ROOT = chapters.ROOT
CHAPTERS = chapters.chapters()
PAGES = [*CHAPTERS, *sorted((ROOT / "book").rglob("*.md"))]
MOST_LINES = 12  # of a code cell: what fits a reader's screen and head
MOST_BROKEN_LINES = 28  # of a script to repair, which is the reader's to change
LEAST_ALT = 30  # characters of alt text: less cannot say what a figure shows

LOSS_HEADINGS = (  # of the chapter of one loss, in this order
    "The problem",
    "The formula",
    "From formula to code",
    "Where it breaks",
    "In lossbook",
    "Value and gradient",
    "What it does to a model",
    "What people get wrong",
    "When to use it",
    "Exercises",
    "Sources",
)
OPTIONAL_HEADINGS = ("The problem", "Exercises")
LOSS_FACTS = ("goes in", "target", "divides by", "smallest")  # what a reader needs first
ACTIVATION_FACTS = ("goes in", "comes out", "saturates", "losses")  # the same, of family "activations"

OUR_PATHS = r"(?<![\w.])/(?:home|root|Users|tmp|usr|var|opt|mnt|work|content)/|site-packages|[A-Z]:\\+Users"
FORBIDDEN_PRINTS = {
    "more than 4 decimals": re.compile(r"\d\.\d{5,}"),
    "the address of an object": re.compile(r"\b0x[0-9a-fA-F]{6,}"),
    "a path of one machine": re.compile(OUR_PATHS),
}
ABBREVIATIONS = "".join(
    rf"(?<!\b{short})" for short in ("e\\.g", "i\\.e", "vs", "cf", "al", "[Ee]q", "Fig", "no", "[A-Z]")
)
SENTENCE_END = re.compile(ABBREVIATIONS + r"[.!?][\"')*_\]]*\s+(?=[\"'(*_\[]*[A-Z`$])")


def complaints(text: str, *, facts: tuple[str, ...]) -> Iterator[str]:
    """Everything that is wrong with the form of a stored notebook; ``facts`` only for the chapter of one loss."""
    notebook = nbformat.reads(text, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if any(cell.execution_count is None for cell in code):
        yield "a code cell has no execution count, so nbval compares nothing: run tools/chapters.py"
    elif text != (form := chapters.normalised(chapters.prepared(text))):
        yield "not as tools/chapters.py stores it:\n" + chapters.first_difference(text, form)
    if code and "remove-cell" not in code[0].metadata.get("tags", []):
        yield "the first code cell has no tag remove-cell, so the site shows it"
    for number, cell in enumerate(notebook.cells, 1):
        found = {"code": code_complaints, "markdown": prose_complaints}[cell.cell_type](cell)
        yield from (f"cell {number} ({cell.get('id')}): {complaint}" for complaint in found)
    prose = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    yield from heading_complaints(re.sub(r"^```.*?^```", "", prose, flags=re.DOTALL | re.MULTILINE), facts)


def code_complaints(cell: NotebookNode) -> Iterator[str]:
    lines = cell.source.splitlines()
    if not lines:
        yield "is empty"
    elif lines[-1].rstrip().endswith(";"):
        yield "ends with `;`, which silences Jupyter and not nbval: use `_ = ...` or plt.show()"
    most = MOST_BROKEN_LINES if lines[-2:-1] and lines[-2].startswith("check(") else MOST_LINES
    if len(lines) > most and cell.get("id") != "imports":
        yield f"has {len(lines)} lines, at most {most}"
    if re.search(OUR_PATHS, cell.source):
        yield "names a path of one machine"
    for output in cell.outputs:
        text = printed(output)
        yield from (f"prints {what}" for what, pattern in FORBIDDEN_PRINTS.items() if pattern.search(text))
        if output.get("name") == "stderr":
            yield "warns"
        if output.output_type == "error" and "raises-exception" not in cell.metadata.get("tags", []):
            yield f"fails with {output.ename}"
        if "<Figure size" in text and len(alternative_text(cell)) < LEAST_ALT:
            yield f"draws a figure without alt text (metadata mystnb.image.alt, from {LEAST_ALT} characters)"


def prose_complaints(cell: NotebookNode) -> Iterator[str]:
    for line in prose(re.sub(r"^#+ +Sources.*", "", cell.source, flags=re.DOTALL | re.MULTILINE)):
        line = plain(re.sub(r"^\s*(\d+\.|[-*+>]) +", "", line))
        if end := SENTENCE_END.search(line):
            yield f"more than one sentence on a line: ...{line[max(0, end.start() - 30) : end.end() + 20]}..."
    if re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"])", cell.source):
        yield "shows an image without alt text"


def heading_complaints(prose: str, facts: tuple[str, ...]) -> Iterator[str]:
    titles = re.findall(r"^# +(.+)$", prose, re.MULTILINE)
    if len(titles) != 1 or not prose.startswith("# "):
        yield f"a chapter starts with its one title, found {titles}"
    if not facts:
        return
    headings = [heading.strip() for heading in re.findall(r"^## +(.+)$", prose, re.MULTILINE)]
    expected = [heading for heading in LOSS_HEADINGS if heading in headings or heading not in OPTIONAL_HEADINGS]
    found = [heading for heading in headings if heading in LOSS_HEADINGS]
    if found != expected:
        yield f"the sections of a loss are {expected}, found {found}"
    opening = prose.split("\n## ")[0].lower()
    unsaid = [fact for fact in facts if fact not in opening]
    if unsaid:
        yield f"the opening lacks what a reader needs first: {unsaid}"


def opening_facts(path: Path) -> tuple[str, ...]:
    if not is_of_a_loss(path):
        return ()
    return ACTIVATION_FACTS if path.parent.name == "activations" else LOSS_FACTS


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_form(path):
    found = list(complaints(path.read_text(encoding="utf-8"), facts=opening_facts(path)))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_markdown_pages_keep_one_sentence_to_a_line(path):
    if path.suffix == ".md":
        assert not list(prose_complaints(new_markdown_cell(path.read_text(encoding="utf-8"))))


def test_table_of_contents_has_every_page_once():
    def entries(node):
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            yield from entries(value)
        if isinstance(node, dict):
            yield from (node[key] for key in ("root", "file") if key in node)

    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    assert sorted(entries(toc)) == sorted(page.relative_to(ROOT).with_suffix("").as_posix() for page in PAGES)


def test_nbval_and_the_tool_leave_out_the_same():
    from nbval.plugin import get_sanitize_patterns

    settings = (ROOT / "tests" / "nbval.cfg").read_text(encoding="utf-8")
    assert get_sanitize_patterns(settings) == [
        (STORED_PATTERN.pattern, STORED),
        (TABLE_PATTERN.pattern, "(a row for each loss)"),
        (EXERCISES_PATTERN.pattern, "(a row for each exercise)"),
        (DRAWN_PATTERN.pattern, r"\1\2"),
        (VERSIONS_PATTERN, "(a version) and lossbook (a version)"),
    ]


# --- each rule can fail, and the tool does what it says ------------------------------------------------------------

OPENING = """# Probe loss

| fact | |
|---|---|
| What goes in | any real numbers |
| Target | any real numbers |
| `"mean"` divides by | the count |
| Smallest value | 0 |
"""
SECTIONS = "\n".join(f"## {heading}\n" for heading in LOSS_HEADINGS)
FIGURE = {"text/plain": "<Figure size 640x480 with 1 Axes>", "image/png": "iVBORw0KGgo="}


def notebook(*cells: NotebookNode) -> str:
    """A notebook as an editor leaves it: random ids, no set-up cell, outputs as they came."""
    return nbformat.writes(new_notebook(cells=[new_markdown_cell(OPENING), *cells]))


def as_stored(*cells: NotebookNode) -> str:
    """The same, as the tool would store it."""
    return chapters.normalised(chapters.prepared(notebook(*cells)))


def printing(text: str) -> NotebookNode:
    return new_code_cell("show()", outputs=[new_output("stream", text=text)])


def test_a_right_chapter_has_no_complaint():
    right = [
        new_markdown_cell(SECTIONS),
        printing("0.1234 tensor(1.0000e-05)\n"),
        new_code_cell("plot()", metadata={"mystnb": {"image": {"alt": "A parabola, lowest where the error is 0."}}}),
        new_markdown_cell("One sentence, e.g. This one.\nAnother: see Smith et al. (2015).\n\n$$\na. B\n$$\n"),
    ]
    right[2].outputs = [new_output("display_data", data=FIGURE)]
    assert list(complaints(as_stored(*right), facts=LOSS_FACTS)) == []


WRONG = {
    "no execution count": notebook(new_code_cell("1 + 1")),
    "not as tools/chapters.py stores it": as_stored(printing("1\n")).replace('"id": "setup"', '"id": "3f9ac02e"'),
    "no tag remove-cell": as_stored(printing("1\n")).replace("remove-cell", "hide-input"),
    "is empty": as_stored(new_code_cell("")),
    "ends with `;`": as_stored(new_code_cell("plot();")),
    "has 13 lines": as_stored(new_code_cell("\n".join("abcdefghijklm"))),
    "names a path": as_stored(new_code_cell("open('/home/me/data.csv')")),
    "prints more than 4 decimals": as_stored(printing("loss 0.12345\n")),
    "prints the address": as_stored(printing("<object at 0x7f00aa11bb22>\n")),
    "prints a path": as_stored(printing("/usr/lib/python3/torch/nn.py:1\n")),
    "warns": as_stored(new_code_cell("w()", outputs=[new_output("stream", name="stderr", text="UserWarning")])),
    "fails with ValueError": as_stored(new_code_cell("f()", outputs=[new_output("error", ename="ValueError")])),
    "without alt text (": as_stored(new_code_cell("plot()", outputs=[new_output("display_data", data=FIGURE)])),
    "more than one sentence": as_stored(new_markdown_cell("One is here. Two is here.")),
    "shows an image without": as_stored(new_markdown_cell("![](figure.png)")),
    "its one title": as_stored(new_markdown_cell("# A second title")),
    "the sections of a loss": as_stored(new_markdown_cell("## In lossbook\n\n## The formula")),
    "the opening lacks": as_stored(new_markdown_cell(SECTIONS)).replace("Smallest", "Least"),
}


@pytest.mark.parametrize(("complaint", "text"), WRONG.items(), ids=WRONG)
def test_each_rule_can_fail(complaint, text):
    assert any(complaint in found for found in complaints(text, facts=LOSS_FACTS))


def test_an_activation_has_its_own_opening():
    assert opening_facts(ROOT / "book" / "activations" / "sigmoid.ipynb") == ACTIVATION_FACTS
    assert opening_facts(ROOT / "book" / "regression" / "huber.ipynb") == LOSS_FACTS
    assert opening_facts(ROOT / "book" / "foundations" / "what_a_loss_is.ipynb") == ()
    (unsaid,) = complaints(as_stored(new_markdown_cell(SECTIONS)), facts=ACTIVATION_FACTS)
    assert unsaid.endswith("['comes out', 'saturates', 'losses']")


FIRST_CELL = """
import importlib.util, sys, types
from IPython.core.interactiveshell import InteractiveShell
import chapters
importlib.util.find_spec = lambda name: None
if sys.argv[1] == "colab":
    sys.modules["google.colab"] = types.ModuleType("google.colab")
shell = InteractiveShell()
shell.run_line_magic = lambda name, line, **_: print("magic:", name, line)
shell.showtraceback = lambda *_, **__: print("stopped:", sys.exc_info()[1])
shell.run_cell(chapters.SETUP)
"""


@pytest.mark.parametrize(
    ("where", "printed"),
    [
        ("colab", "magic: pip install --quiet --no-deps lossbook"),
        ("elsewhere", 'stopped: Type: pip install "lossbook[book]"'),
    ],
)
def test_first_cell_without_lossbook(where, printed):
    command = [sys.executable, "-c", FIRST_CELL, where]
    done = subprocess.run(command, cwd=ROOT / "tools", capture_output=True, text=True, check=True)
    assert done.stdout.startswith(printed)
    assert done.stdout.count("\n") == 1


def run_tool(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "chapters.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=kernel_environment(), check=False)


def run_nbval(path: Path) -> subprocess.CompletedProcess[str]:
    options = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval.cfg'}"]
    options += ["-p", "no:cacheprovider", "-p", "keep_executed", "-c", os.devnull, f"--rootdir={path.parent}"]
    command = [sys.executable, "-m", "pytest", "-q", *options, str(path)]
    env = kernel_environment() | {"PYTHONPATH": str(ROOT / "tools")}
    return subprocess.run(command, capture_output=True, text=True, env=env, check=False)


def kept(path: Path) -> list[NotebookNode] | None:
    """The code cells that a run by nbval left, None where it left nothing."""
    left = path.parent / "_build" / "executed" / path.name
    cells = nbformat.read(left, as_version=4).cells if left.is_file() else []
    return [cell for cell in cells if cell.cell_type == "code"] or None


def kernel_environment() -> dict[str, str]:
    """Without the settings of the pytest that runs this."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


LIVE = (
    new_code_cell("print('one')\nprint('two')\n{'a': 1}"),
    new_markdown_cell("## A figure\n\nIt rises."),
    new_code_cell(
        "import matplotlib.pyplot as plt\n\nplt.plot([0, 1])\nplt.show()",
        metadata={"mystnb": {"image": {"alt": "A line that rises."}}},
    ),
    new_code_cell(
        "from IPython.display import display\n"
        "frames = '<div class=\"lossbook-explorer\">' + str(id(object())) + '</div><!-- lossbook-explorer -->'\n"
        "view = {'model_id': str(id(frames))}\n"
        "display({'text/html': frames, 'text/plain': 'explore(f)',\n"
        "         'application/vnd.jupyter.widget-view+json': view}, raw=True)"
    ),
)


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    """A chapter that the tool ran and stored."""
    path = tmp_path_factory.mktemp("book") / "probe.ipynb"
    path.write_text(notebook(*LIVE), encoding="utf-8")
    done = run_tool(path)
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def test_a_chapter_may_be_named():
    assert chapters.found(Path("huber")) == ROOT / "book" / "regression" / "huber.ipynb"
    assert chapters.found(Path("book/huber.ipynb")) == Path("book/huber.ipynb")


def test_two_runs_store_the_same_bytes(chapter):
    before = chapter.read_bytes()
    done = run_tool(chapter)
    assert (done.returncode, chapter.read_bytes()) == (0, before)
    assert "unchanged" in done.stdout


def test_what_is_stored(chapter):
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == [1, 2, 3, 4]
    assert [cell["id"] for cell in cells] == [
        "probe-loss", "setup", "probe-loss-code", "figure", "figure-code", "figure-code-2",
    ]  # fmt: skip
    assert "".join(code[0]["source"]) == chapters.SETUP
    assert [list(output.get("data", output)) for output in code[1]["outputs"]] == [
        ["name", "output_type", "text"],
        ["text/plain"],
    ]
    assert [list(output["data"]) for cell in code[2:] for output in cell["outputs"]] == [
        ["text/plain"],
        ["text/html", "text/plain"],
    ]
    assert "sliders appear" in "".join(code[3]["outputs"][0]["data"]["text/html"])


def test_nbval_passes_what_is_stored_and_keeps_its_figures_and_explorers(chapter):
    done = run_nbval(chapter)
    assert "4 passed" in done.stdout, done.stdout
    before = nbformat.read(chapter, as_version=4)
    code = kept(chapter)
    assert [cell.source for cell in code] == [cell.source for cell in before.cells if cell.cell_type == "code"]
    assert code[1].outputs[0].text == "one\ntwo\n"
    assert code[1].outputs[1].data == {"text/plain": "{'a': 1}"}
    assert code[2].metadata == {"mystnb": {"image": {"alt": "A line that rises."}}}
    assert {"image/png", "text/plain"} == code[2].outputs[0].data.keys()
    assert code[2].outputs[0].data["image/png"].startswith("iVBORw0KGgo")
    assert re.fullmatch(r'<div class="lossbook-explorer">\d+</div>.*', code[3].outputs[0].data["text/html"])
    assert STORED not in code[3].outputs[0].data["text/html"]


def change(output: dict[str, Any], old: str, new: str) -> None:
    """Change the text of one stored output."""
    kept = json.dumps(output)
    assert old in kept
    output.update(json.loads(kept.replace(old, new)))


@pytest.mark.parametrize(
    ("cell", "output", "old", "new"),
    [
        pytest.param(2, 0, "one", "uno", id="stale stream"),
        pytest.param(2, 1, "'a': 1", "'a': 2", id="stale result"),
        pytest.param(4, 0, "1 Axes", "2 Axes", id="stale figure"),
        pytest.param(5, 0, "explore(f)", "explore(g)", id="stale explorer"),
    ],
)
def test_nbval_fails_on_a_stale_output(chapter, tmp_path, cell, output, old, new):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))
    change(notebook["cells"][cell]["outputs"][output], old, new)
    (tmp_path / "stale.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert "1 failed, 3 passed" in run_nbval(tmp_path / "stale.ipynb").stdout
    assert old in str(kept(tmp_path / "stale.ipynb")), "kept is what the run gave, not what was stored"


def test_of_a_chapter_that_breaks_nothing_is_kept(chapter, tmp_path):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))
    notebook["cells"][-1]["source"] = ["1 / 0"]
    (tmp_path / "broken.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert "1 failed, 3 passed" in run_nbval(tmp_path / "broken.ipynb").stdout
    assert kept(tmp_path / "broken.ipynb") is None


@pytest.mark.parametrize(("count", "outputs"), [(None, True), (1, False)], ids=["no count", "no outputs"])
def test_nbval_fails_on_a_half_stripped_notebook(chapter, tmp_path, count, outputs):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))
    for cell in notebook["cells"][2:3]:
        cell.update(execution_count=count, outputs=cell["outputs"] if outputs else [])
    (tmp_path / "stripped.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    assert "1 failed, 3 passed" in run_nbval(tmp_path / "stripped.ipynb").stdout


def test_a_stripped_notebook_passes_nbval_and_is_refused_here(chapter, tmp_path):
    notebook = json.loads(chapter.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(execution_count=None, outputs=[])
    text = json.dumps(notebook)
    (tmp_path / "stripped.ipynb").write_text(text, encoding="utf-8")
    assert "4 passed" in run_nbval(tmp_path / "stripped.ipynb").stdout
    assert any("no execution count" in found for found in complaints(text, facts=()))


def test_check_shows_the_first_stale_cell_and_stores_nothing(chapter, tmp_path):
    path = tmp_path / "stale.ipynb"
    path.write_text(chapter.read_text(encoding="utf-8").replace('"one\\n"', '"uno\\n"'), encoding="utf-8")
    before = path.read_bytes()
    done = run_tool("--check", path)
    assert (done.returncode, path.read_bytes()) == (1, before)
    assert "STALE" in done.stdout
    assert '-    "uno\\n",' in done.stdout
    assert '+    "one\\n",' in done.stdout
    assert "fresh cell 3" in done.stdout


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = 1\n1 / 0", "cell 3 (probe-loss-code): ZeroDivisionError: division by zero"),
        ("import warnings\nwarnings.warn('beware')", "UserWarning: beware"),
        ("from IPython.display import SVG\nSVG('<svg></svg>')", "image/svg+xml"),
    ],
    ids=["error", "warning", "svg"],
)
def test_a_failing_chapter_is_left_as_it_was(tmp_path, source, why):
    path = tmp_path / "broken.ipynb"
    path.write_text(notebook(new_code_cell(source)), encoding="utf-8")
    before = path.read_bytes()
    done = run_tool(path)
    assert (done.returncode, path.read_bytes()) == (1, before)
    assert "broken.ipynb" in done.stdout
    assert why in done.stdout


@pytest.mark.parametrize("text", ["", "{}", '{"cells": 1, "nbformat": 4}', "not json"])
def test_what_is_no_notebook_is_refused(tmp_path, text):
    path = tmp_path / "no.ipynb"
    path.write_text(text, encoding="utf-8")
    done = run_tool(path)
    assert (done.returncode, path.read_text(encoding="utf-8")) == (1, text)
    assert "FAILED" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
