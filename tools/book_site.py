"""What a published site has beside its pages: 404, sitemap, text for machines, a card for each link that is shared.

Addresses come from git's origin (tools/book_extension.py); a clone without one gets no sitemap and no absolute links.
"""

from __future__ import annotations

import functools
import html
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import book_made
import book_pages

TITLE = "lossbook"
CLAIM = "A model learns what its loss asks for, and nothing else."
NOT_FOUND = """\
<section id="not-found"><h1>This page has no minimum</h1>
<p>There is nothing at this address, or no longer.</p>
<ul>
<li><a href="book/intro.html">The first page</a></li>
<li><a href="book/choosing.html">Which loss do I need?</a></li>
<li><a href="search.html">Search the book</a></li>
</ul></section>
"""
CURVE = re.compile(r'<svg width="([\d.]+)" height="([\d.]+)">.*?<path class="curve" d="([^"]*)"', re.DOTALL)


def published(repository: str) -> str:
    """The address at which GitHub serves a repository's pages, ending in a slash; "" without a repository."""
    found = re.fullmatch(r"https://github\.com/([^/]+)/([^/]+)", repository)
    return f"https://{found[1].lower()}.github.io/{found[2]}/" if found else ""


def not_found(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page 404.html: it is shown at any address, so its links are those of the site's root."""
    base = app.config.html_baseurl
    metatags = f'<base href="{base}">' if base else ""
    yield "404", {"title": "Not found", "body": NOT_FOUND, "metatags": metatags}, "page.html"


def tell(app: Any, page: str, _template: str, context: dict[str, Any], doctree: Any) -> None:
    """What a messenger shows of a link: title, claim and card."""
    if doctree is None:
        return
    claim = claim_of(app, page)
    tags = {"og:site_name": TITLE, "og:title": book_pages.text_of(context["title"]), "og:description": claim}
    if base := app.config.html_baseurl:
        tags |= {"og:url": f"{base}{page}.html", "og:image": f"{base}_static/cards/{card_of(page)}.png"}
    context["metatags"] += "".join(
        f'\n<meta property="{name}" content="{html.escape(what)}" />' for name, what in tags.items()
    )
    context["metatags"] += f'\n<meta name="description" content="{html.escape(claim)}" />'


def claim_of(app: Any, page: str) -> str:
    """The first sentence of a page, without its marks."""
    lines = markdown(Path(app.env.doc2path(page))).splitlines()
    claim = next((line for line in lines if line and not line.startswith(("#", "*", "|", "!", "("))), CLAIM)
    return re.sub(r"\]\([^)]*\)|[\[*`$]", "", claim)


def card_of(page: str) -> str:
    """The name of a page's card."""
    return page.removeprefix("book/").replace("/", "-")


def write(app: Any, error: Exception | None) -> None:
    """After the build: text copies, llms.txt, the sitemap and the cards."""
    if error or app.builder.format != "html":
        return
    folder, base = Path(app.outdir), app.config.html_baseurl
    order = [page for part in book_pages.parts(app) for page in book_pages.pages_of(app, part)]
    pages = [*sorted(app.env.found_docs - set(order)), *order]  # the first page, and then as in the contents
    for page in pages:
        copy = folder / f"{page}.md"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(book_made.expand(markdown(Path(app.env.doc2path(page))), page), encoding="utf-8")
    rows = [f"- [{app.env.titles[page].astext()}]({base}{page}.md): {claim_of(app, page)}" for page in pages]
    (folder / "llms.txt").write_text(
        f"# {TITLE}\n\n> {CLAIM} A course on the losses of PyTorch, and the package it imports.\n\n"
        "## Pages as text\n\n" + "\n".join(rows) + "\n",
        encoding="utf-8",
    )
    if base:
        urls = "".join(f"<url><loc>{base}{page}.html</loc></url>" for page in pages)
        head = '<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        (folder / "sitemap.xml").write_text(f"{head}{urls}</urlset>\n", encoding="utf-8")
        draw_cards(app, folder / "_static", pages)


@functools.cache
def markdown(path: Path) -> str:
    """A page as text: the prose, the code, and what the code printed."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    parts = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if "remove-cell" in cell["metadata"].get("tags", []):
            continue
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        printed = "".join(said(output) for output in cell["outputs"]).rstrip()
        if printed:
            parts.append(f"```\n{printed}\n```")
    return "\n\n".join(parts) + "\n"


def said(output: dict[str, Any]) -> str:
    """The text of an output."""
    text = output.get("text") or output.get("data", {}).get("text/plain", "")
    return "".join(text) + ("" if "text" in output else "\n")


def draw_cards(app: Any, static: Path, pages: list[str]) -> None:
    """A picture of 1200 × 630 for each page: mark, title, and value and gradient where the page has them."""
    from matplotlib import pyplot as plt

    (static / "cards").mkdir(exist_ok=True)
    with plt.rc_context({"font.family": "serif", "axes.unicode_minus": False}):
        for page in pages:
            figure = plt.figure(figsize=(12, 6.3), dpi=100, facecolor="white")
            draw_mark(figure)
            title = app.env.titles[page].astext()
            figure.text(0.07, 0.6, wrapped(title, 18), fontsize=54, va="center", color="#1c2530", linespacing=1.1)
            figure.text(0.14, 0.145, TITLE, fontsize=30, va="center", color="#55606e")
            picture = static / "curves" / f"{Path(page).name}.svg"
            if picture.is_file():
                draw_curves(figure, picture.read_text(encoding="utf-8"))
            figure.savefig(static / "cards" / f"{card_of(page)}.png")
            plt.close(figure)


def draw_mark(figure: Any) -> None:
    """The two-coloured rule at the foot, and the mark of book/_static/logo.svg."""
    from matplotlib.patches import PathPatch, Rectangle
    from matplotlib.path import Path as Line

    figure.add_artist(Rectangle((0, 0), 0.5, 0.02, color="#0b67a3"))
    figure.add_artist(Rectangle((0.5, 0), 0.5, 0.02, color="#b84a00"))
    ax = figure.add_axes((0.06, 0.09, 0.06, 0.11))
    ax.set(xlim=(0, 64), ylim=(64, 0), aspect="equal")
    ax.axis("off")
    bend = Line(
        [(17, 6), (17, 19), (17, 49), (47, 49), (58, 49)],
        [Line.MOVETO, Line.LINETO, Line.CURVE3, Line.CURVE3, Line.LINETO],
    )
    ax.add_patch(PathPatch(bend, fill=False, edgecolor="#1f82c4", linewidth=6, capstyle="round"))
    ax.plot((8.2, 30.7), (35.3, 57.8), color="#d95a14", linewidth=6, solid_capstyle="round")


def draw_curves(figure: Any, picture: str) -> None:
    """The two curves of a kept picture, value above gradient."""
    for (width, height, path), bottom, colour in zip(
        CURVE.findall(picture), (0.53, 0.1), ("#0b67a3", "#b84a00"), strict=False
    ):
        ax = figure.add_axes((0.64, bottom, 0.3, 0.38))
        ax.set(xlim=(0, float(width)), ylim=(float(height), 0))
        ax.axis("off")
        for piece in path.split("M")[1:]:
            points = [tuple(map(float, point.split())) for point in piece.split("L")]
            ax.plot(*zip(*points, strict=True), color=colour, linewidth=5, solid_capstyle="round", clip_on=False)


def wrapped(title: str, width: int) -> str:
    """A title on lines of about `width` characters."""
    return "\n".join(textwrap.wrap(title, width, break_long_words=False))
