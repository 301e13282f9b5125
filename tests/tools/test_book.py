"""What the build adds to a page and to the site."""

import json
from datetime import date
from types import SimpleNamespace

import book_extension
import book_pages
import book_site
import pytest
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
    contents = SimpleNamespace(root=SimpleNamespace(subtrees=[part]))
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
