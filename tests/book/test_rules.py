"""What every chapter is held to beyond its form: its length, its words, what stands beside a claim, where it leads."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import chapters
import nbformat
import pytest
from nbformat import NotebookNode
from stored import alternative_text, is_of_a_loss, plain, printed, prose

BOOK = chapters.ROOT / "book"
PAGES = chapters.chapters()
LOSSES = [path for path in PAGES if is_of_a_loss(path)]
LESSONS = [path for path in PAGES if path.parent.name not in ("book", "projects")]  # what one reads to learn something

MOST_OPENING = 20  # words of the first sentence
MOST_WORDS = {"cross_entropy": 2200, "binary_cross_entropy_with_logits": 2200, "cross_entropy_options": 2200}
MOST_WORDS_ELSE = 1600
NOT_COUNTED = ("Exercises", "In five lines", "Sources")  # the reader's own work, and what says all again

WORDS = {  # what is written in one way: how it is not written
    "U+2212 for minus": r"(?<![\w)\]}-])-\d",
    "`68 %`, with a space": r"\d%",
    "learned": r"\blearnt\b",
    "classes are counted by C": r"\$K\$ classes|\bK classes",
    "F is torch": r"import lossbook\.functional as|\bL\.\w+_loss\b",
    "behaviour, centre: British": r"\b(behavior|center|color)\b",
    "no filler": r"\b(simply|just|obviously|of course|note that)\b",
}
PITFALLS = {  # each is told in one chapter, and elsewhere in one sentence that leads there
    "mse": r"\(N, 1\)|\(N, N\)",
    "reductions_weights_masks": r"(?i)NaN times 0|0 times NaN|NaN \* 0",
    "logits_and_overflow": r"(?i)\blog\(\w+ \+ (eps|1e-)|epsilon inside|eps(ilon)? inside",
}


def by_stem(paths: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def markdown(path: Path) -> list[str]:
    return [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]


def sections(path: Path) -> dict[str, str]:
    """The Markdown of a chapter by the second-level headings; "" before the first."""
    parts = re.split(r"^## +(.+)$", "\n\n".join(markdown(path)), flags=re.MULTILINE)
    return {"": parts[0], **{name.strip(): text for name, text in zip(parts[1::2], parts[2::2], strict=True)}}


def count(text: str) -> int:
    return sum(len(re.findall(r"[^\W_][\w'’.-]*", plain(line))) for line in prose(text))


@by_stem(PAGES)
def test_the_first_sentence_is_short(path):
    first = next(prose(markdown(path)[0]))
    assert count(first) <= MOST_OPENING, f"{count(first)} words: {first}"


@by_stem(LESSONS)
def test_a_chapter_keeps_to_its_words(path):
    words = {name: count(text) for name, text in sections(path).items() if name not in NOT_COUNTED}
    most = MOST_WORDS.get(path.stem, MOST_WORDS_ELSE)
    assert sum(words.values()) <= most, f"{sum(words.values())} words, at most {most}: {words}"


@by_stem(LESSONS)
def test_a_chapter_says_how_long_it_takes_and_what_comes_before(path):
    line = r"^\*(\d+) minutes(, after \[.+?\]\(.+?\.(?:ipynb|md)\).*)?\.\*$"
    found = re.search(line, markdown(path)[0], re.MULTILINE)
    assert found, 'the line under the first sentence: "*15 minutes, after [What a loss is](...).*"'
    assert int(found[1]) == chapters.minutes(read(path))


@by_stem(LOSSES)
def test_there_is_something_to_copy_before_the_first_section(path):
    before = []
    for cell in read(path).cells:
        if cell.cell_type == "markdown" and re.search(r"^## ", cell.source, re.MULTILINE):
            break
        before.append(cell)
    snippet = next((cell.source for cell in before if cell.get("id") == "to-copy"), None)
    assert snippet, "no code cell with the id to-copy before the first section"
    assert len(snippet.splitlines()) <= 8
    assert re.search(r"\b(F|nn)\.\w+", snippet), "the twin of torch is missing"
    assert re.search(r"\blossbook\.[A-Z]|\b[a-z0-9_]+\(", snippet)
    assert re.search(r"assert", snippet), "nothing says that the two agree"


@by_stem(LESSONS)
def test_a_chapter_ends_with_what_to_remember(path):
    found = sections(path)
    lines = [line for line in found.get("In five lines", "").splitlines() if line.strip()]
    assert len(lines) == 5
    assert all(line.startswith("- ") for line in lines)
    assert list(found)[-2:] == ["In five lines", "Sources"]


@by_stem(PAGES)
def test_one_word_for_one_thing(path):
    found = []
    for cell in read(path).cells:
        outputs = "\n".join(map(printed, cell.get("outputs", [])))
        for rule, pattern in WORDS.items():
            if cell.cell_type == "markdown":
                lines = [plain(line) for line in prose(cell.source.partition("## Sources")[0], tables=True)]
            elif rule.startswith("F is"):
                lines = cell.source.splitlines()
            elif "%" in rule:
                lines = outputs.splitlines()
            else:
                lines = [alternative_text(cell)]
            found += [f"{rule}: {cell.id}: {line}" for line in lines if re.search(pattern, line)]
    assert not found, "\n".join(found)


@by_stem(LESSONS)
def test_a_pitfall_is_told_in_one_place(path):
    told = [line for name, text in sections(path).items() if name not in NOT_COUNTED for line in prose(text)]
    for home, pattern in PITFALLS.items():
        lines = [line for line in told if re.search(pattern, line)]
        if lines and path.stem != home:
            assert len(lines) == 1, f"told in {len(lines)} lines; its home is {home}:\n" + "\n".join(lines)
            assert f"{home}.ipynb" in lines[0], f"no link to its home: {lines[0]}"


def numbers(text: str) -> list[str]:
    """The numbers of a text, without those that are part of a name such as L1."""
    return re.findall(r"(?<![\w.])[−-]?\d+(?:[.,]\d+)*(?![\w])", text.replace("\N{NO-BREAK SPACE}", ""))


def value(number: str) -> float:
    return float(number.replace("−", "-").replace(",", ""))


@by_stem(PAGES)
def test_the_numbers_of_an_alternative_text_are_in_the_code(path):
    """Of a picture a number can be read off, and be wrong: it stands in an assert, an axis or an output."""
    known: set[float] = set()
    missing = []
    for cell in read(path).cells:
        if cell.cell_type != "code":
            continue
        text = "\n".join([cell.source, *map(printed, cell.outputs)])
        known |= {value(number) for number in re.findall(r"[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)}
        known |= {-each for each in known}
        for said in numbers(alternative_text(cell)):
            digits = len(said.partition(".")[2])
            near = {round(each * factor, digits) for each in known for factor in (1, 100)}
            if value(said) not in near:
                missing.append(f"{cell.id}: {said}")
    assert not missing, f"say these in an assert beside the figure: {missing}"


@by_stem(LESSONS)
def test_a_cell_that_asserts_an_inequality_shows_the_number(path):
    """`assert error < 0.1` says that it held; a reader wants to see what was found."""
    quiet = [cell for cell in read(path).cells if cell.cell_type == "code" and not cell.outputs]
    silent = [cell.id for cell in quiet if re.search(r"^ *assert .*[<>]", cell.source, re.MULTILINE)]
    assert not silent, f"cells that print nothing: {silent}"


def glossary() -> dict[str, str]:
    """The words of the glossary, each with its anchor."""
    text = (BOOK / "notation.md").read_text(encoding="utf-8").partition("## Glossary")[2]
    heads = re.findall(r"^### (.+)$", text, re.MULTILINE)
    return {word: re.sub(r"[^\w]+", "-", head.lower()).strip("-") for head in heads for word in head.split(", ")}


def explained(path: Path) -> Iterator[str]:
    """The lines in which a word may come first: not those that quote somebody, and no exercise."""
    for part in markdown(path):
        if part.startswith("## Exercises"):
            return
        yield from (line for line in prose(part) if '**"' not in line)


def first_use(word: str, line: str) -> re.Match[str] | None:
    """Where a line uses a word of the glossary in its sense, outside code and mathematics."""
    read_as = re.sub(r"`[^`]*`|\$[^$]*\$", lambda aside: " " * len(aside[0]), line)
    another = r"(?<!cross )(?<!half )(?<!Half )(?<!soft )(?<!average )"
    return re.search(rf"{another}(?<![\w-]){re.escape(word)}(?:s|es)?(?![\w-])", read_as, re.IGNORECASE)


@by_stem(LESSONS)
def test_a_word_of_the_glossary_is_linked_where_it_comes_first(path):
    unlinked = []
    for word, anchor in glossary().items():
        used = ((line, found) for line in explained(path) if (found := first_use(word, line)))
        line, found = next(used, ("", None))
        links = [(link.start(), link.end()) for link in re.finditer(r"\[[^\]]*\]\([^)]*\)", line)]
        if found and not any(start <= found.start() < end for start, end in links):
            unlinked.append(f"[{found[0]}](../notation.md#{anchor})")
    assert not unlinked, f"link these at first use: {', '.join(unlinked)}"


@by_stem(LOSSES)
def test_a_picture_of_value_and_gradient_is_kept_for_readers_on_github(path):
    name = f"{path.stem}.svg"
    assert (BOOK / "_static" / "curves" / name).is_file(), "tools/chapters.py draws it from the explorer"
    line = rf"^!\[(.+)\]\(\.\./_static/curves/{name}\)$"
    picture = re.search(line, sections(path)["Value and gradient"], re.MULTILINE)
    assert picture, f"![what it shows](../_static/curves/{name}) under Value and gradient"
    assert len(picture[1]) >= 30


CITED = tomllib.loads((BOOK / "sources.toml").read_text(encoding="utf-8"))
BY_LINK = {each["link"]: each | {"key": key} for key, each in CITED.items()}


THREAD = r"\]\((https://(?:github\.com/[^)\s]+/(?:issues|pull)/|discuss\.)[^)\s]+)"


def cited(source: dict[str, str]) -> str:
    """How a paper or book begins its line, or the whole link to an issue, a pull request or a thread."""
    if "authors" in source:
        where = f", {source['where']}" if "where" in source else ""
        return f"- {source['authors']} ({source['year']}), *{source['title']}*{where}"
    place, number = source["key"].rsplit(" ", 1)
    kind = "" if source["kind"] == "thread" else f"{source['kind']} "
    title = source["title"].replace('"', "'")
    return f'[{place} {kind}{number}]({source["link"]} "{title}")'


def test_the_bibliography_says_what_each_source_is():
    for key, source in CITED.items():
        assert source["link"].startswith("https://"), key
        assert source["title"], key
        if "kind" in source:
            kind = {"issues": "issue", "pull": "pull request"}.get(source["link"].split("/")[-2], "thread")
            assert source["kind"] == kind, key
        else:
            assert 1800 < source["year"] < 2030, key


@by_stem(PAGES)
def test_sources_are_cited_as_the_bibliography_has_them(path):
    for link in re.findall(THREAD, "\n".join(markdown(path))):
        assert link in BY_LINK, f"not in book/sources.toml: {link}"
    for line in sections(path).get("Sources", "").splitlines():
        for link in re.findall(THREAD, line):
            assert cited(BY_LINK[link]) in line, f"write {cited(BY_LINK[link])}"
        if re.match(r"- .+? \(\d{4}\), ", line):
            link = next((link for link in BY_LINK if line.endswith(f"]({link})")), "")
            assert link, f"does not end with a link of book/sources.toml: {line}"
            assert line.startswith(cited(BY_LINK[link])), f"write {cited(BY_LINK[link])}"


def test_every_source_is_cited():
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert not [key for key, source in CITED.items() if source["link"] not in text]


def test_the_paths_of_the_first_page_say_how_long_they_take():
    pages = {path.relative_to(BOOK).as_posix(): chapters.minutes(read(path)) for path in PAGES}
    for table in re.findall(r"(?:^\|.*\n)+", (BOOK / "intro.md").read_text(encoding="utf-8"), re.MULTILINE):
        rows = [line for line in table.splitlines()[2:] if "together" not in line]
        said = [int(row.split("|")[-2]) for row in rows]
        lessons = [row.rsplit("|", 3)[0] if row.count("#") else row for row in rows]
        assert said == [sum(pages.get(link, 0) for link in re.findall(r"\]\(([^)#]+)\)", row)) for row in lessons]
        assert f"**{sum(said)}**" in table
