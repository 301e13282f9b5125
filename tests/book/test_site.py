"""The built book as a reader meets it: opened from the disk, in a browser, with the network off.

`make book` builds what is tested here. Without a built book or a browser the tests skip, and say what is
missing; under `CI=true` they fail instead.
"""

from __future__ import annotations

import functools
import gzip
import json
import re
import tomllib
import zlib
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlparse

import book_api
import chapters
import pytest
import torch
from browser import CHROMIUM, absent
from thinning import share, thinned

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html") if "_static" not in path.parts)
FIRST = "index.html"  # leads on to the first page
FRONT = "book/intro.html"  # which has an explorer without a notebook
SCREENS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


def read(page: str) -> str:
    return (SITE / page).read_text("utf-8")


@pytest.fixture(scope="session", autouse=True)
def _built():
    if not PAGES:
        absent("there is no built book: run `make book` first")


@pytest.fixture(scope="session")
def browser(_built):
    """One Chromium for all pages: the system's own, or an installed Chrome."""
    try:
        from playwright import sync_api
    except ImportError:
        absent("playwright is not installed: run `make setup` first")
    where = {"executable_path": CHROMIUM} if CHROMIUM else {"channel": "chrome"}
    with sync_api.sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(**where)
        except sync_api.Error as error:
            absent(f"no browser starts, install Chromium or Chrome: {error.message.splitlines()[0]}")
        yield chromium
        chromium.close()


class Opened:
    """A page on a screen, with everything that it asked for and complained about while it opened."""

    def __init__(self, browser, name: str, screen: dict[str, int]) -> None:
        self.name, self.width = name, screen["width"]
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page = page = browser.new_page(offline=True, viewport=screen, color_scheme="light")
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("requestfailed", lambda request: self.complaints.append(f"did not load: {request.url}"))
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.goto((SITE / name).as_uri())
        page.evaluate("() => window.MathJax?.startup?.promise")

    def dress(self, *, dark: bool) -> None:
        """Show the page in light or dark, as the reader's system asks for."""
        self.page.emulate_media(color_scheme="dark" if dark else "light")
        self.page.wait_for_function("dark => (document.documentElement.dataset.theme === 'dark') === dark", arg=dark)
        self.page.evaluate("() => document.getAnimations().forEach(fade => fade.finish())")


ON_PHONES = thinned((f"phone[{page}]" for page in PAGES), share())  # a slow machine looks at some of them
AFTER_DARK = thinned((f"dark[{page}]" for page in PAGES), share())

# In parallel each page stays with one worker, which opens it once.
ON_SCREENS = [
    pytest.param((page, screen), id=f"{page}-{screen}", marks=pytest.mark.xdist_group(f"{page}-{screen}"))
    for page in PAGES
    if page != FIRST
    for screen in SCREENS
    if screen != "phone" or f"phone[{page}]" in ON_PHONES
]


@pytest.fixture(scope="module", params=ON_SCREENS)
def opened(browser, request):
    page, screen = request.param
    page = Opened(browser, page, SCREENS[screen])
    yield page
    page.page.close()


def test_needs_no_other_host_and_no_missing_file(opened):
    elsewhere = [url for url in opened.requests if urlparse(url).scheme not in ("file", "data", "blob")]
    assert not elsewhere
    assert not opened.complaints


@functools.cache
def packed(path: str) -> int:
    """The bytes of a file as a server sends it."""
    return len(gzip.compress(Path(path).read_bytes()))


def test_a_page_is_light(opened):
    """Less than a megabyte goes over the wire, with scripts, styles and figures."""
    asked = {unquote(urlparse(url).path) for url in opened.requests if url.startswith("file:")}
    assert sum(map(packed, asked)) < 1e6, {Path(path).name: packed(path) for path in asked}
    formulas = opened.page.locator(".math").count()
    assert bool(formulas) == any("mathjax" in path for path in asked), f"{formulas} formulas"


def test_a_chapter_says_how_long_it_takes_and_with_what_it_was_run(opened):
    source = ROOT / Path(opened.name).with_suffix(".ipynb")
    if not source.is_file() or not re.search(r'"\*\d+ minutes', source.read_text("utf-8")):
        pytest.skip("no chapter")
    said = opened.page.locator(".lb-meta").inner_text()
    assert re.search(r"\d+ minutes", said)
    assert f"run with torch {torch.__version__.partition('+')[0]}" in said


def test_a_chapter_of_a_loss_leads_to_its_entry_in_the_reference(opened):
    entry = book_api.entry_of(opened.name.removesuffix(".html"))
    if entry is None:
        pytest.skip("no chapter of a loss")
    link = opened.page.locator(".lb-meta a", has_text=entry[0])
    assert link.get_attribute("href").endswith(f"#{entry[1]}")


def test_mathematics_is_typeset(opened):
    formulas = opened.page.locator(".math")
    assert formulas.filter(has=opened.page.locator("mjx-container")).count() == formulas.count()
    assert opened.page.locator("mjx-merror, [data-mjx-error]").count() == 0
    words = """() => { const copy = document.querySelector('article, main').cloneNode(true);
                      copy.querySelectorAll('pre, code, script, style, mjx-container').forEach(node => node.remove());
                      return copy.textContent }"""
    assert not re.findall(r"\$[^$\n]+\$|\\\w+\{|\\\(|\\\[", opened.page.evaluate(words)), "mathematics left as source"


# Most elements of a page are the coloured tokens of its code: of those alike, looking at the contrast of one is enough.
ONE_OF_EACH_TOKEN = """() => {
    const seen = new Set();
    for (const token of document.querySelectorAll('pre span')) {
        const kind = token.className + ' in ' + token.closest('pre').parentElement.parentElement.className;
        if (seen.has(kind)) token.dataset.again = '';
        seen.add(kind);
    }
    // Not by axe's own `exclude`: most of its rules look through the whole list of it for each element.
    axe.configure({rules: [{id: 'color-contrast', selector: '*:not([data-again])'}]});
}"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_is_accessible(opened, dark):
    if dark and opened.width < 600:
        pytest.skip("after dark the contrast alone is looked at, and a phone has the same colours")
    if dark and f"dark[{opened.name}]" not in AFTER_DARK:
        pytest.skip("a slow machine looks at some pages after dark")
    opened.dress(dark=dark)
    if not opened.page.evaluate("() => 'axe' in window"):
        opened.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
        opened.page.evaluate(ONE_OF_EACH_TOKEN)
    options = {"resultTypes": ["violations"], **({"runOnly": ["color-contrast"]} if dark else {})}  # else as in light
    run = "async options => (await axe.run(options)).violations"
    found = opened.page.evaluate(run, options)
    serious = [
        f"{rule['id']}: {node['html'][:200]}\n{node['failureSummary']}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"]
    ]
    assert not serious, "\n\n".join(serious)


def test_fits_the_screen(opened):
    width = opened.page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= opened.width, f"{width} px of page on a screen of {opened.width} px"


def test_figures_and_sliders_are_there(opened):
    """Every chapter that draws or explores has its figures and its sliders on the page, and each says what it is."""
    source = ROOT / Path(opened.name).with_suffix(".ipynb")
    cells = json.loads(source.read_text("utf-8"))["cells"] if source.is_file() else []
    outputs = [str(output.get("data", "")) for cell in cells for output in cell.get("outputs", [])]
    drawn = opened.page.locator(".cell_output img[alt]")
    assert drawn.count() == sum("<Figure size" in output for output in outputs)
    assert all(drawn.nth(number).evaluate("image => image.naturalWidth") for number in range(drawn.count()))
    explored = sum("explore(" in output for output in outputs) + (opened.name == FRONT)
    assert opened.page.locator(".cell_output:has(input[type=range])").count() == explored


def test_sliders_move_the_curve(opened):
    sliders = opened.page.locator("input[type=range]")
    for number in range(sliders.count()):
        slider = sliders.nth(number)
        drawing = "slider => slider.closest('.cell_output').querySelector('svg').parentElement.innerHTML"
        before, value = slider.evaluate(drawing), slider.input_value()
        at_end = slider.evaluate("slider => Number(slider.value) >= Number(slider.max)")
        slider.press("ArrowLeft" if at_end else "ArrowRight")
        assert slider.input_value() != value, f"slider {number + 1} does not follow the arrow keys"
        assert slider.evaluate(drawing) != before, f"slider {number + 1} moves and nothing is drawn anew"


def test_the_site_has_what_others_look_for():
    """A page for a wrong address, and the pages as text for readers that are no browsers."""
    assert "no minimum" in read("404.html")
    assert (SITE / "_static" / "scripts" / "fontawesome.js").stat().st_size < 150_000  # of 1.5 MB: the icons in use
    listed = (SITE / "llms.txt").read_text("utf-8")
    missing = [page for page in PAGES if page.startswith("book/") and f"{page[:-5]}.md" not in listed]
    assert not missing
    assert all((SITE / page).with_suffix(".md").is_file() for page in PAGES if page.startswith("book/"))


def test_the_site_opens_on_the_first_page(browser):
    page = browser.new_page(offline=True)
    page.goto((SITE / FIRST).as_uri())
    page.wait_for_url(f"**/{FRONT}")
    assert page.locator("article h1").count() == 1
    page.close()


def test_search_finds_a_chapter_without_a_network(browser):
    page = browser.new_page(offline=True)
    page.goto((SITE / "search.html").as_uri() + "?q=lossbook")
    page.wait_for_selector("ul.search li a")
    page.close()


FOUND_UNDER = tomllib.loads((ROOT / "book" / "found_under.toml").read_text("utf-8"))
TYPED = {phrase: page for page, phrases in FOUND_UNDER.items() for phrase in phrases}


def test_what_people_type_leads_to_its_page_first(browser):
    page = browser.new_page(offline=True)
    page.goto((SITE / "search.html").as_uri() + "?q=expected+scalar+type+long+but+found+float")
    page.wait_for_selector("ul.search li a")
    assert (
        page.locator("ul.search li a").first.get_attribute("href").startswith("book/classification/cross_entropy.html")
    )
    found = """typed => {
        const [query, found, left_out, marked, objects] = Search._parseQuery(typed);
        return Search._performSearch(query, found, left_out, marked, objects).at(-1)?.[0];
    }"""
    elsewhere = {}
    for phrase, wanted in TYPED.items():
        for typed in (phrase, f"pytorch {phrase}"):
            if (first := page.evaluate(found, typed)) != wanted:
                elsewhere[typed] = first
    page.close()
    assert not elsewhere
    assert len(TYPED) >= 60
    assert len(TYPED) == sum(map(len, FOUND_UNDER.values())), "one phrase, two pages"


EXPLORERS = {  # of each page the first one, as the browser gets it
    page: found[0]
    for page in PAGES
    if (found := re.search(r'<div class="lossbook-explorer".*?<!-- lossbook-explorer -->', read(page), re.DOTALL))
    and page != FRONT
}


def test_there_are_explorers():
    assert len(EXPLORERS) >= 17


@pytest.mark.parametrize("page", EXPLORERS)
def test_the_kept_picture_of_an_explorer_is_what_it_shows_and_not_on_the_page(page):
    kept = ROOT / "book" / "_static" / "curves" / f"{Path(page).stem}.svg"
    assert kept.read_text("utf-8") == chapters.curves(EXPLORERS[page]), "make chapters draws it again"
    assert kept.name not in read(page)


class Links(HTMLParser):
    """Everything a page links to, and every anchor that it offers."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {"", "top"}
        self.feed(read(page))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name == "id" and value:
                self.anchors.add(value)


def test_internal_links_lead_somewhere():
    parsed = {(SITE / page).resolve(): Links(page) for page in PAGES}
    broken = []
    for page, found in parsed.items():
        for link in found.links:
            address, anchor = urldefrag(link)
            if urlparse(address).scheme:  # another site, a mail address, inline data
                continue
            target = (page.parent / unquote(urlparse(address).path)).resolve() if address else page
            if not target.is_file() or (target in parsed and unquote(anchor) not in parsed[target].anchors):
                broken.append(f"{page.relative_to(SITE)} -> {link}")
    assert not broken, "\n".join(broken)


def test_every_public_name_has_its_address_and_others_find_it():
    """The address of an entry is the full name; objects.inv tells it to the documentation of others."""
    pages = {page: Links(f"{page}.html").anchors for page in set(book_api.homes().values())}
    lost = [name for name, page in book_api.homes().items() if name not in pages[page]]
    assert not lost
    listed = zlib.decompress((SITE / "objects.inv").read_bytes().split(b"\n", 4)[4]).decode("utf-8")
    named = {line.split()[0] for line in listed.splitlines() if " py:" in line}
    assert named >= set(book_api.homes())


def test_the_cheat_sheet_prints_on_a_sheet(browser):
    page = browser.new_page(offline=True)
    page.goto((SITE / "book" / "cheat_sheet.html").as_uri())
    page.evaluate("() => window.MathJax?.startup?.promise")
    printed = page.pdf(prefer_css_page_size=True)
    page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) <= 2  # both sides of it
    assert re.search(rb"/MediaBox\s*\[0 0 84\d(?:\.\d+)? 59\d", printed), "not A4, or not across"


def test_every_page_is_reached_from_the_first():
    """What the table of contents does not show is not read."""
    start = (SITE / FRONT).resolve()
    seen, queue = {start}, [start]
    while queue:
        page = queue.pop()
        for link in Links(page.relative_to(SITE).as_posix()).links:
            target = (page.parent / unquote(urlparse(link).path)).resolve()
            if not urlparse(link).scheme and target.suffix == ".html" and target.is_file() and target not in seen:
                seen.add(target)
                queue.append(target)
    chapters = {(SITE / page).resolve() for page in PAGES if page.startswith("book/")}
    assert chapters <= seen
