"""What the build adds to a page and to the site."""

import json
import re
from datetime import date
from types import SimpleNamespace

import book_api
import book_extension
import book_made
import book_pages
import book_sheet
import book_site
import pytest
from book_docstring import Docstring, blocks, inline
from matplotlib import pyplot as plt

TABLE = (
    '<table class="table"><thead><tr class="row-odd"><th class="head"></th><th class="head"><p>Target</p></th>'
    '<th class="head"><p>Head &amp; <em>loss</em></p></th></tr></thead>'
    "<tbody><tr><td><p>a class</p></td><td><p>index</p></td><td><p>logits</p></td></tr></tbody></table>"
)


def test_a_cell_of_a_wide_table_says_its_column_and_an_empty_corner_is_no_heading():
    labelled = book_pages.labelled(TABLE)
    assert '<td class="head"></td>' in labelled
    assert [part.split('"')[0] for part in labelled.split('data-label="')[1:]] == ["", "Target", "Head &amp; loss"]
    assert labelled.count("data-label") == 3  # those of the body


def test_a_table_of_two_columns_stays_as_it_is():
    narrow = TABLE.replace('<th class="head"></th>', "").replace("<td><p>a class</p></td>", "")
    assert book_pages.labelled(narrow) == narrow


def test_what_opens_pages_below_a_page_has_a_name():
    arrow = '<a href="api.html">API reference</a><details><summary><span></span></summary></details>'
    assert '<summary aria-label="Pages of API reference"><span>' in book_pages.named(arrow)
    assert book_pages.named("") == ""


def test_icons_that_no_page_uses_are_dropped(tmp_path):
    scripts = tmp_path / "_static" / "scripts"
    scripts.mkdir(parents=True)
    script = scripts / "fontawesome.js"
    script.write_text('var p={sun:[512,512,[],"f185","M1 2z"],"circle-x":[512,512,["x"],"f057",["M3","M4"]]};rest()')
    book_pages.keep_icons(tmp_path, book_pages.icons_of('<i class="fa-solid fa-sun"></i>'))
    assert script.read_text() == 'var p={sun:[512,512,[],"f185","M1 2z"],};rest()'


def test_explorers_are_folded_and_say_what_they_hide():
    cells = [("explore-huber", "explore(huber_loss)"), ("naive", "def naive(): ...")]
    notebook = {"cells": [{"cell_type": "code", "id": i, "source": [s], "metadata": {}} for i, s in cells]}
    book_pages.fold(notebook)
    explorer, naive = (cell["metadata"] for cell in notebook["cells"])
    assert explorer == {"tags": ["hide-input"], "mystnb": {"code_prompt_show": "The call that drew this"}}
    assert naive == {}


def test_the_day_of_a_reproducible_build_is_the_given_one(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    assert book_pages.built() == date(1970, 1, 2)


@pytest.mark.parametrize(
    ("repository", "address"),
    [
        ("https://github.com/Some/lossbook", "https://some.github.io/lossbook/"),
        ("", ""),
    ],
)
def test_the_address_of_the_site_is_that_of_the_repository(repository, address):
    assert book_site.published(repository) == address


def test_a_page_as_text_has_prose_code_and_what_it_printed(tmp_path):
    setup = {"cell_type": "code", "source": ["pip"], "metadata": {"tags": ["remove-cell"]}, "outputs": []}
    code = {"cell_type": "code", "source": ["1 + 1"], "metadata": {}}
    code["outputs"] = [{"text": ["seen\n"]}, {"data": {"text/plain": ["2"]}}]
    prose = {"cell_type": "markdown", "source": ["# Title\n", "\n", "A claim."], "metadata": {}}
    path = tmp_path / "page.ipynb"
    path.write_text(json.dumps({"cells": [prose, setup, code]}))
    assert book_site.markdown(path) == "# Title\n\nA claim.\n\n```python\n1 + 1\n```\n\n```\nseen\n2\n```\n"


class Contents(dict):
    """The contents of a site: what stands below each page, and the root."""


def built_site(folder, base):
    """What the build knows at its end: a first page, and a chapter that has a picture of its curves."""
    pages = {"book/intro": "lossbook", "book/regression/huber": "Huber loss"}
    for page, title in pages.items():
        path = folder / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {title}\n\nA claim.\n")
    curves = folder / "out" / "_static" / "curves"
    curves.mkdir(parents=True)
    (curves / "huber.svg").write_text((book_extension.ROOT / "book/_static/curves/huber.svg").read_text())
    titles = {page: SimpleNamespace(astext=lambda title=title: title) for page, title in pages.items()}
    env = SimpleNamespace(found_docs=set(pages), titles=titles, doc2path=lambda page: folder / f"{page}.md")
    part = SimpleNamespace(caption="Regression", items=["book/regression/huber"])
    contents = Contents()
    contents.root = SimpleNamespace(subtrees=[part])
    config = SimpleNamespace(html_baseurl=base, external_site_map=contents)
    return SimpleNamespace(builder=SimpleNamespace(format="html"), outdir=folder / "out", env=env, config=config)


def test_a_published_site_has_a_sitemap_and_a_card_for_each_page(tmp_path):
    app = built_site(tmp_path, "https://some.github.io/lossbook/")
    book_site.write(app, None)
    listed = (app.outdir / "llms.txt").read_text()
    assert "- [Huber loss](https://some.github.io/lossbook/book/regression/huber.md): A claim." in listed
    assert (app.outdir / "sitemap.xml").read_text().count("<loc>https://some.github.io/lossbook/book/") == 2
    for card in ("intro", "regression-huber"):
        assert plt.imread(app.outdir / "_static" / "cards" / f"{card}.png").shape[:2] == (630, 1200)
    ((_, context, _),) = book_site.not_found(app)
    assert context["metatags"] == '<base href="https://some.github.io/lossbook/">'


def test_a_site_without_an_address_has_text_copies_and_nothing_absolute(tmp_path):
    app = built_site(tmp_path, "")
    book_site.write(app, None)
    assert (app.outdir / "book/regression/huber.md").read_text() == "# Huber loss\n\nA claim.\n"
    assert not (app.outdir / "sitemap.xml").exists()
    assert not (app.outdir / "_static" / "cards").exists()


def test_what_a_messenger_shows_stays_within_its_attribute(tmp_path):
    path = tmp_path / "page.md"
    path.write_text('# Title\n\nA "quoted" <claim> & more.\n')
    env = SimpleNamespace(doc2path=lambda page: path)
    app = SimpleNamespace(env=env, config=SimpleNamespace(html_baseurl=""))
    context = {"title": "A &amp; B", "metatags": ""}
    book_site.tell(app, "page", "page.html", context, object())
    assert 'content="A &quot;quoted&quot; &lt;claim&gt; &amp; more."' in context["metatags"]
    assert 'property="og:title" content="A &amp; B"' in context["metatags"]
    assert context["metatags"].count("<meta") == 4


# --- the reference, the cheat sheet and the page about the tests -----------------------------------------------------

BOOK = book_extension.ROOT / "book"
REFERENCE = [BOOK / "api.md", *sorted((BOOK / "api").glob("*.md"))]
MODULES = [
    f"lossbook.{module}" for module in ("functional", "fused", "distributed", "testing", "notebook", "exercises")
]


def page_of(path):
    return path.relative_to(BOOK.parent).with_suffix("").as_posix()


def made(path):
    return book_made.expand(path.read_text(encoding="utf-8"), page_of(path))


def test_every_public_name_has_an_entry_and_an_address():
    there = [module for module in MODULES if importable(module)]
    assert len(there) >= 5
    wanted = {f"{module}.{name}" for module in ["lossbook", *there] for name in book_api.public(module)}
    found = {name for path in REFERENCE for name in re.findall(r"^\((?:class|function) (.+)\)=$", made(path), re.M)}
    assert not wanted - found, "a family or module without a page in book/api/?"
    assert found == set(book_api.homes())


def importable(module):
    path = book_extension.ROOT / module.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_nothing_public_is_left_out_of_the_public_names():
    """What has no `__all__` offers what it defines and what it imports under the same name."""
    public = book_api.public("lossbook.testing")
    assert "check_loss" in public
    assert "Tensor" not in public
    assert set(book_api.public("lossbook.exercises")) >= {"check", "help_for"}


@pytest.mark.parametrize("path", REFERENCE, ids=lambda path: path.stem)
def test_every_argument_that_a_docstring_names_is_a_row(path):
    text = made(path)
    for name, home in book_api.homes().items():
        if home == page_of(path) and not name.startswith("lossbook.fused.") and book_api.kind_of(name) == "function":
            module, _, short = name.rpartition(".")
            entry = text.partition(f"(function {name})=")[2].partition("\n## ")[2].partition("\n(")[0]
            for argument in Docstring.of(book_api.public(module)[short]).items("Args"):
                assert f"\n| `{argument}` | " in entry, f"{name}: {argument}"


def test_the_table_of_a_loss_says_type_domain_and_default():
    text = made(BOOK / "api" / "regression.md")
    row = next(line for line in text.splitlines() if line.startswith("| `delta` |"))
    assert row == (
        "| `delta` | [Positive](../api.md#types-of-arguments) | error beyond which the loss grows linearly, in the "
        "units of the target, greater than 0. | `1.0` |"
    )
    types = book_api.types("book/api")
    assert "| `LogProbs` | `Tensor` | a floating-point tensor of log-probabilities; each value: " in types
    assert "| `Positive` | `float` | a finite number above 0 |" in types


def test_a_chapter_and_its_entry_lead_to_each_other():
    assert book_api.entry_of("book/regression/huber") == ("huber_loss", "lossbook.functional.huber_loss")
    assert book_api.entry_of("book/classification/cross_entropy_options") is None
    assert "Chapter: [Huber loss](../regression/huber.ipynb)" in made(BOOK / "api" / "regression.md")
    builder = SimpleNamespace(get_relative_uri=lambda page, other: f"../{other.removeprefix('book/')}.html")
    (link,) = book_pages.reference(SimpleNamespace(builder=builder), "book/regression/huber")
    assert link["refuri"] == "../api/regression.html#lossbook.functional.huber_loss"


def test_a_docstring_becomes_markdown():
    doc = Docstring.parse("""Do it.

    .. math::

        a < b

    Of ``x | y`` see :func:`cross_entropy`, [1] and https://doi.org/10.1/2.

    Args:
        x: a thing,
            any.
        y: another.

    References:
        A. One (2001), First, equation 1.
        https://a.org/1
        B. Two (2002), Second
        of its kind.
    """)
    assert doc.summary == "Do it."
    assert doc.items("Args") == {"x": "a thing, any.", "y": "another."}
    assert doc.references() == [
        "A. One (2001), First, equation 1. https://a.org/1",
        "B. Two (2002), Second of its kind.",
    ]
    text = "Of `x | y` see `cross_entropy`, \\[1\\] and <https://doi.org/10.1/2>."
    assert blocks(doc.text) == f"$$\na < b\n$$\n\n{text}"
    assert inline('by "mean" and "other"') == 'by `"mean"` and "other"'


def test_every_section_of_a_public_docstring_is_known():
    for name in book_api.homes():
        module, _, short = name.rpartition(".")
        assert not re.search(r"^[A-Z]\w+:$", Docstring.of(book_api.public(module)[short]).text, re.M), name


def test_the_cheat_sheet_has_every_loss_with_a_chapter():
    text = made(BOOK / "cheat_sheet.md")
    losses = {stem for family, stems in book_api.families().items() if family != "activations" for stem in stems}
    for stem in losses & book_api.chapters().keys():
        assert f"/{stem}.ipynb)" in text, stem
    assert "`lossbook.HuberLoss(delta=1.0)(output, target)`" in text
    assert not re.search(r"\| +\| 0", text), "a fact is missing"


@pytest.mark.parametrize(
    ("fact", "brief"),
    [
        ("a, b: torch broadcasts; c", "a, b; c"),
        ("a [link](../x.md); or else", "a link; or else"),
        (f"a; {'b' * 200}", "a"),
        (f"a; or {'b' * 200}", f"a; or {'b' * 200}"),
        ("0 or 1; torch takes 2", "0 or 1"),
    ],
)
def test_a_fact_is_made_short(fact, brief):
    assert book_sheet.brief(fact) == brief


def test_the_page_about_the_tests_shows_an_oracle_and_counts():
    text = made(BOOK / "tested.md")
    assert "def oracle(input, target, *, delta=1.0):" in text
    oracles = list((BOOK.parent / "tests" / "oracles").glob("[!_]*.py"))
    assert f"| {len(oracles)} | losses and activations, each with its oracle |" in text
    assert "made by the build" not in text


def test_a_place_is_filled_by_its_maker(monkeypatch):
    monkeypatch.setitem(book_made.MAKERS, "probe", lambda page, *words: f"{page}: {' '.join(words)}")
    assert book_made.expand("a\n<!-- made by the build: probe b c.d -->\n", "page") == "a\npage: b c.d\n"
    with pytest.raises(KeyError):
        book_made.expand("<!-- made by the build: nothing -->", "page")
