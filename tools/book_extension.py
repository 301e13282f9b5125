"""Sphinx extension of the book: the repository's address, and mathematics without another host."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


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


def setup(app: Any) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_config_value("comments_config", {}, "html")  # Jupyter Book sets it for an extension the book leaves out
    app.connect("config-inited", add_repository)
    app.connect("build-finished", add_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
