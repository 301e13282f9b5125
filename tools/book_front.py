"""The front page: an explorer that moves, and the parts of the book as cards with numbers counted from the source.

book/intro.md has the words. Its still picture becomes the explorer, and the section that ends with the contents gets
a card for each part of _toc.yml, so that neither a chapter nor a number is written down twice.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any

import book_pages
from docutils import nodes

import lossbook.fused
from lossbook.exercises._catalogue import entries
from lossbook.functional import huber_loss
from lossbook.notebook import explore
from lossbook.notebook.facts import contracts

PAGE = "book/intro"
PICTURE = "_static/curves/huber.svg"
PARTS = "what-is-in-it"  # the section of book/intro.md that gets the cards


def explorer() -> str:
    """Huber loss, which bends: the tangent is seen beside the curve where it starts."""
    compare = {"half squared": lambda input: 0.5 * input**2, "absolute": lambda input: input.abs()}
    shown = explore(
        huber_loss,
        delta=(0.5, 3.0),
        at=1.5,
        value_limits=(0.0, 8.0),
        gradient_limits=(-3.2, 3.2),
        compare=compare,
    )
    return shown.html


def build(app: Any, doctree: nodes.document, name: str) -> None:
    """Put the explorer in place of its still picture, and the cards into their section."""
    if name != PAGE:
        return
    for image in list(doctree.findall(nodes.image)):
        if image["uri"].endswith(PICTURE):
            shown = nodes.raw("", explorer(), format="html")
            output = nodes.container("", shown, classes=["output", "text_html"])
            cell = nodes.container("", nodes.container("", output, classes=["cell_output"]), classes=["cell"])
            image.parent.replace_self(cell)
    section = next(section for section in doctree.findall(nodes.section) if PARTS in section["ids"])
    grid = nodes.container("", *cards(app), numbers(app), classes=["lb-grid"])
    section += grid


def cards(app: Any) -> list[nodes.Node]:
    """A card for each part of the book, with its chapters."""
    found: list[nodes.Node] = []
    for part, pages in book_pages.parts(app).items():
        card = nodes.container("", nodes.paragraph("", part), classes=["lb-card", "lb-part-card"])
        card += nodes.bullet_list(
            "", *(nodes.list_item("", nodes.paragraph("", "", link(app, page))) for page in pages)
        )
        found.append(card)
    return found


def link(app: Any, page: str) -> nodes.reference:
    """A link from the front page, in the words of the title there."""
    title = app.env.titles[page].astext()
    return nodes.reference("", title, refuri=app.builder.get_relative_uri(PAGE, page), internal=True)


def numbers(app: Any) -> nodes.container:
    """What there is, counted."""
    chapters = sum(page.startswith("book/") and posixpath.dirname(page) != "book" for page in app.env.found_docs)
    counted = {
        "losses and activations": len(contracts()),
        "of them as fused kernels": len(stems(lossbook.fused)),
        "chapters": chapters,
        "exercises with a judge": len(entries()),
    }
    items = [
        nodes.list_item("", nodes.paragraph("", "", nodes.strong("", str(count)), nodes.Text(f" {what}")))
        for what, count in counted.items()
    ]
    return nodes.container("", nodes.bullet_list("", *items), classes=["lb-card", "lb-numbers"])


def stems(package: Any) -> list[str]:
    """The public modules of a package."""
    folder = Path(package.__file__).parent
    return [path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")]


def widen(_app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Give the front page the room of the list of its sections."""
    if page == PAGE:
        context["meta"] = {**(context.get("meta") or {}), "html_theme.sidebar_secondary.remove": True}
