"""How a page of the book looks beyond its Markdown: the line under its title, tables on a phone, only what it loads.

tools/book_extension.py connects these to Sphinx. The notebooks stay portable: what is done here, a reader on GitHub or
Colab misses nothing by.
"""

from __future__ import annotations

import datetime
import html
import importlib.metadata
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import book_api
from docutils import nodes

MINUTES = re.compile(r"(\d+ minutes)(?:, (after) )?")
ICON = re.compile(r'"?([a-z0-9-]+)"?:\[\d+,\d+,\[[^\]]*\],"[0-9a-f]+",(?:"[^"]*"|\[[^\]]*\])\],?')
CALL = "The call that drew this"


def fold(notebook: dict[str, Any]) -> None:
    """Fold the calls that draw explorers: a reader of the page wants the sliders."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "".join(cell["source"]).startswith("explore("):
            cell["metadata"].setdefault("tags", []).append("hide-input")
            cell["metadata"].setdefault("mystnb", {})["code_prompt_show"] = CALL


def put_head(app: Any, doctree: nodes.document, name: str) -> None:
    """Above the title the part of the book; under it one line: minutes, what comes before, exercises, versions."""
    section = next(iter(doctree.findall(nodes.section)), None)
    if section is None:
        return
    if part := part_of(app, name):
        section.insert(0, nodes.paragraph("", part, classes=["lb-part"]))
    for paragraph in section.children:
        if isinstance(paragraph, nodes.paragraph) and (found := MINUTES.match(paragraph.astext())):
            paragraph.replace_self(meta(paragraph, found, exercises(doctree), reference(app, name)))
            return


def reference(app: Any, name: str) -> list[nodes.Node]:
    """From the chapter of a loss the way to its arguments in the reference."""
    entry = book_api.entry_of(name)
    if entry is None:
        return []
    short, full = entry
    address = f"{app.builder.get_relative_uri(name, book_api.homes()[full])}#{full}"
    return [nodes.reference("", "", nodes.literal("", short), nodes.Text(" in the reference"), refuri=address)]


def meta(
    paragraph: nodes.paragraph, found: re.Match[str], count: int, looked_up: list[nodes.Node]
) -> nodes.bullet_list:
    """The line "*25 minutes, after [L1](l1.ipynb).*" as a list, with what the build knows besides."""
    inlines = list(paragraph.children[0].children)
    before = [inline for inline in inlines if not inline.astext().startswith(found[0])]
    if before and isinstance(before[-1], nodes.Text):
        before[-1] = nodes.Text(before[-1].removesuffix("."))
    items: list[list[nodes.Node]] = [[nodes.Text(found[1])]]
    if found[2]:
        items.append([nodes.Text("after "), *before])
    if count:
        words = "1 exercise" if count == 1 else f"{count} exercises"
        items.append([nodes.reference("", words, refuri="#exercises", internal=True)])
    if looked_up:
        items.append(looked_up)
    day = built()
    items.append([nodes.Text(f"run with torch {version('torch')}, {day.day} {day:%B %Y}")])  # %-d is not for Windows
    return nodes.bullet_list(
        "", *(nodes.list_item("", nodes.paragraph("", "", *item)) for item in items), classes=["lb-meta"]
    )


def exercises(doctree: nodes.document) -> int:
    """How many exercises a page ends with."""
    found = [section for section in doctree.findall(nodes.section) if "exercises" in section["ids"]]
    return sum(isinstance(child, nodes.section) for section in found for child in section.children)


def parts(app: Any) -> dict[str, list[str]]:
    """The parts of _toc.yml, each with its pages."""
    return {tree.caption: [str(page) for page in tree.items] for tree in app.config.external_site_map.root.subtrees}


def pages_of(app: Any, part: str) -> list[str]:
    """The pages of a part, each followed by those below it."""
    contents = app.config.external_site_map

    def below(page: str) -> list[str]:
        trees = contents[page].subtrees if page in contents else []
        return [page, *(each for tree in trees for item in tree.items for each in below(str(item)))]

    return [each for page in parts(app)[part] for each in below(page)]


def part_of(app: Any, name: str) -> str:
    """The part in which a page stands, or ""."""
    return next((part for part in parts(app) if name in pages_of(app, part)), "")


def version(package: str) -> str:
    """A release without what a build adds: 2.13.0+cpu is 2.13.0."""
    return importlib.metadata.version(package).partition("+")[0]


def built() -> datetime.date:
    """Today, or the day that a reproducible build was given."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.datetime.now(datetime.UTC)
    return (datetime.datetime.fromtimestamp(int(given), datetime.UTC) if given else now).date()


def finish(_app: Any, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Name the cells of tables and what folds the contents; leave mathematics' script out where there is none."""
    if contents := context.get("generate_toctree_html"):
        context["generate_toctree_html"] = lambda *args, **settings: named(contents(*args, **settings))
    body = context.get("body", "")
    context["body"] = re.sub(r"<table.*?</table>", lambda table: labelled(table[0]), body, flags=re.DOTALL)
    if 'class="math' not in body:
        context["script_files"] = [script for script in context["script_files"] if not is_of_mathematics(script)]


def named(contents: Any) -> Any:
    """The contents of the book, where what opens the pages below a page says so to those who do not see its arrow."""
    opener = re.compile(r"([^<>]*)(</a>\s*<details[^>]*>\s*<summary)>")
    return contents and opener.sub(r'\1\2 aria-label="Pages of \1">', str(contents))


def is_of_mathematics(script: Any) -> bool:
    """Whether a script is MathJax or its settings."""
    return "mathjax" in f"{script.filename} {script.attributes.get('body', '')}".lower()


def labelled(table: str) -> str:
    """A table whose empty corner is no heading; one of three columns and more has the heading on each of its cells.

    A phone shows such a row as a card, and names each cell by its `data-label`.
    """
    table = re.sub(r"<th class=\"head\"(?: [^>]*)?>(<p></p>|\s*)</th>", '<td class="head"></td>', table)
    head = re.search(r"<thead>(.*?)</thead>(.*)", table, flags=re.DOTALL)
    if head is None or "colspan" in table or "rowspan" in table:
        return table
    names = [text_of(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", head[1], flags=re.DOTALL)]
    if len(names) < 3:
        return table
    rows = re.sub(r"<tr.*?</tr>", lambda row: with_labels(row[0], names), head[2], flags=re.DOTALL)
    return table[: head.start(2)] + rows


def with_labels(row: str, names: list[str]) -> str:
    """A row of a table with the name of its column on each cell."""
    labels = iter(names)
    return re.sub(r"<td", lambda _: f'<td data-label="{html.escape(next(labels, ""))}"', row)


def text_of(cell: str) -> str:
    """What a cell says, without its elements."""
    return html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()


def keep_icons(folder: Path, used: Iterable[str]) -> None:
    """Of the theme's two thousand icons keep those that the pages use: 70 kB of 1.5 MB."""
    path = folder / "_static" / "scripts" / "fontawesome.js"
    kept = set(used)
    script = path.read_text(encoding="utf-8")
    path.write_text(ICON.sub(lambda icon: icon[0] if icon[1] in kept else "", script), encoding="utf-8")
    path.with_suffix(".js.map").unlink(missing_ok=True)


def icons_of(text: str) -> set[str]:
    """The names of the icons that a page or a script asks for."""
    return set(re.findall(r"\bfa-([a-z0-9-]+)", text))


def trim_icons(app: Any, error: Exception | None) -> None:
    """After the build: drop the icons that no page uses."""
    if error or app.builder.format != "html":
        return
    folder = Path(app.outdir)
    own = [*folder.rglob("*.html"), *(folder / "_static" / "scripts").glob("*theme.js")]
    keep_icons(folder, set().union(*(icons_of(path.read_text(encoding="utf-8")) for path in own)))
