"""Sphinx extension of the book: its repository's address, mathematics without another host, outputs kept from a run.

Two variables, which tools/make.py sets, change what is built. With LOSSBOOK_EXECUTED, a folder, no chapter is run: its
outputs are those that tools/keep_executed.py left there. With LOSSBOOK_PAGE besides, that chapter alone has outputs;
of the others there is the prose, to which it may link.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import book_api
import book_front
import book_made
import book_pages
import book_site
from sphinx.util import logging

ROOT = Path(__file__).resolve().parent.parent
STILL = re.compile(r"!\[[^]]*\]\(\.\./_static/curves/\w+\.svg\)")  # of an explorer: the page has the explorer itself


def repository() -> str:
    """Address of the GitHub repository that this clone came from, or "" where there is none.

    Git's `origin` is the one place that knows it, so the book of a fork leads to the fork.
    """
    command = ["git", "remote", "get-url", "origin"]
    return github(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip())


def github(origin: str) -> str:
    """The page of a GitHub repository, from the address that git uses; "" for another host."""
    found = re.fullmatch(
        r"(?:https://(?:[^@/]*@)?|(?:ssh://)?git@)github\.com[:/]([\w.-]+)/([\w.-]+?)(\.git)?/?", origin
    )
    return f"https://github.com/{found[1]}/{found[2]}" if found else ""


def add_repository(_app: Any, config: Any) -> None:
    """Fill in the address; without one, no button that leads nowhere."""
    address = repository()
    config.html_baseurl = config.html_baseurl or book_site.published(address)
    config.html_theme_options["repository_url"] = address
    config.html_theme_options["use_repository_button"] = bool(address)
    if not address:
        config.html_theme_options["launch_buttons"] = {}


def add_mathjax(app: Any, error: Exception | None) -> None:
    """Copy the part of MathJax that the pages load: 8 of its 24 MB."""
    if error or app.builder.format != "html":
        return
    package = Path(importlib.import_module("sphinx-mathjax-offline").__path__[0])
    source, target = package / "static" / "mathjax", Path(app.outdir) / "_static" / "mathjax"
    shutil.copytree(
        source, target, ignore=lambda folder, names: unused(Path(folder) == source, names), dirs_exist_ok=True
    )


def unused(at_top: bool, names: list[str]) -> set[str]:
    """Of MathJax's top folder only the one component with its output and its speech is used."""
    return set(names) - {"tex-chtml.js", "output", "a11y", "sre"} if at_top else {"svg", "svg.js"} & set(names)


def run_nothing(_app: Any, config: Any) -> None:
    """Where a run has left its outputs, run no chapter."""
    if os.environ.get("LOSSBOOK_EXECUTED"):
        config.nb_execution_mode = "off"


def fill_in(app: Any, name: str, source: list[str]) -> None:
    """Drop the still pictures and put the outputs of a run in place; where one page is looked at, no code of others.

    A page of Markdown gets what tools/book_made.py makes for it.
    """
    executed, page = os.environ.get("LOSSBOOK_EXECUTED"), os.environ.get("LOSSBOOK_PAGE")
    if not str(app.env.doc2path(name)).endswith(".ipynb"):
        source[0] = book_made.expand(source[0], name)
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = STILL.sub("", "".join(cell["source"]))
    book_pages.fold(notebook)
    if executed:
        notebook["metadata"]["language_info"]["pygments_lexer"] = "ipython3"  # a kernel that runs would say so
    if executed and page not in (None, f"{name}.ipynb"):
        notebook["cells"] = [cell for cell in notebook["cells"] if cell["cell_type"] != "code"]
    elif executed and (wrong := take_outputs(notebook, Path(executed, f"{name}.ipynb"))):
        logging.getLogger(__name__).warning(wrong, location=name)
    source[0] = json.dumps(notebook)


def take_outputs(notebook: dict[str, Any], executed: Path) -> str:
    """Give each cell the outputs that it had in a run; "", or what is wrong, and then none has any."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    kept = json.loads(executed.read_text(encoding="utf-8"))["cells"] if executed.is_file() else []
    ran = [cell for cell in kept if cell["cell_type"] == "code"]
    same = ["".join(cell["source"]) for cell in ran] == ["".join(cell["source"]) for cell in code]
    for number, cell in enumerate(code):
        cell["outputs"] = ran[number]["outputs"] if same else []
    if same:
        return ""
    return f"{executed} is of other cells: make notebooks" if ran else f"there is no {executed}: did the chapter run?"


def help_search(app: Any, page: str, _template: str, _context: Any, _doctree: Any) -> None:
    """Give the search page what people type, and where it leads."""
    if page == "search":
        pages = tomllib.loads((ROOT / "book" / "found_under.toml").read_text(encoding="utf-8"))
        app.add_js_file(None, body=f"window.FOUND_UNDER = {json.dumps(pages)}")
        app.add_js_file("found_under.js")


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it for an extension the book leaves out
    app.connect("config-inited", add_repository)
    app.connect("config-inited", run_nothing)
    app.connect("source-read", fill_in)
    app.connect("html-collect-pages", book_site.not_found)
    app.connect("html-page-context", book_site.tell)
    app.connect("html-page-context", book_front.widen, priority=100)  # before the theme asks
    app.connect("html-page-context", help_search)
    app.connect("doctree-read", book_api.anchor, priority=400)  # before the contents of the page are collected
    app.connect("doctree-resolved", book_pages.put_head)
    app.connect("doctree-resolved", book_front.build)
    app.connect("html-page-context", book_pages.finish, priority=900)  # after what adds scripts
    app.connect("build-finished", add_mathjax)
    app.connect("build-finished", book_pages.trim_icons)
    app.connect("build-finished", book_site.write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
