"""What there is to do: every exercise with its topic, level, minutes and what comes first, read without running one.

An exercise's file says ``KIND = "derive"``, ``LEVEL = 2`` (1 easy, 2 takes a thought, 3 hard), ``MINUTES = 10`` and
``AFTER = ["huber.gradient"]``, and a chapter that is no loss says its ``TOPIC`` in its ``__init__.py``.
"""

import ast
import inspect
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .. import functional
from ._exercise import exercise

HERE = Path(__file__).resolve().parent
TOPICS = (
    "foundations",
    "activations",
    "regression",
    "classification",
    "custom",
    "projects",
)  # in the order of the book
LEVELS = (1, 2, 3)


@dataclass(frozen=True)
class Entry:
    """An exercise as one looks for it.

    Attributes:
        name: chapter and exercise, for instance ``"huber.gradient"``.
        title: a few words.
        statement: what to do, in Markdown.
        topic: of the chapter: the family of its loss.
        kind: what one does: derive, build, predict, choose, repair, or a project.
        level: 1, 2 or 3.
        minutes: that it takes, about.
        after: exercises that one should have done before.
    """

    name: str
    title: str
    statement: str
    topic: str
    kind: str
    level: int
    minutes: int
    after: tuple[str, ...]

    @property
    def chapter(self) -> str:
        """The first half of the name."""
        return self.name.partition(".")[0]


@cache
def entries() -> tuple[Entry, ...]:
    """Every exercise, by topic, chapter, level and minutes."""
    found = [_read(path) for path in HERE.glob("[!_]*/[!_]*.py")]
    return tuple(sorted(found, key=lambda e: (_place(e.topic), e.topic, e.chapter, e.level, e.minutes, e.name)))


def entry(name: str) -> Entry:
    """Look an exercise up by its name.

    Raises:
        ValueError: there is no exercise of that name.
    """
    known = {each.name: each for each in entries()}
    return known[name if name in known else exercise(name).name]


def selected(
    chapter: str | None = None, topic: str | None = None, kind: str | None = None, level: int | None = None
) -> list[Entry]:
    """Give the exercises of a chapter, a topic, a kind, a level; all of them where nothing is asked for.

    Raises:
        ValueError: there is no such chapter, topic, kind or level, or no exercise has all that was asked for.
    """
    asked = {"chapter": chapter, "topic": topic, "kind": kind, "level": level}
    wanted = {what: value for what, value in asked.items() if value is not None}
    for what, value in wanted.items():
        known = list(dict.fromkeys(getattr(each, what) for each in entries()))
        if value not in known:
            raise ValueError(f"no {what} {value!r} has exercises; those that have: {', '.join(map(str, known))}")
    found = [each for each in entries() if all(getattr(each, what) == value for what, value in wanted.items())]
    if not found:
        raise ValueError(f"no exercise has that {' and '.join(wanted)} at once")
    return found


def _place(topic: str) -> int:
    return TOPICS.index(topic) if topic in TOPICS else len(TOPICS)


def _read(path: Path) -> Entry:
    chapter = path.parent.name
    tree = ast.parse(path.read_text(encoding="utf-8"))
    title, _, rest = inspect.cleandoc(ast.get_docstring(tree) or "").partition("\n\n")
    said = _constants(tree)
    return Entry(
        name=f"{chapter}.{path.stem}",
        title=title.rstrip("."),
        statement=f"\n\n{rest}".partition("\n\nNudge: ")[0].strip(),
        topic=_topic(chapter),
        kind=said.get("KIND", ""),
        level=said.get("LEVEL", 1),
        minutes=said.get("MINUTES", 10),
        after=tuple(said.get("AFTER", ())),
    )


@cache
def _topic(chapter: str) -> str:
    tree = ast.parse((HERE / chapter / "__init__.py").read_text(encoding="utf-8"))
    topic: str = _constants(tree).get("TOPIC") or _families().get(chapter, "other")
    return topic


@cache
def _families() -> dict[str, str]:
    """The family of each loss, by its stem: where its function is defined."""
    modules = [getattr(function, "__module__", "").split(".") for function in vars(functional).values()]
    return {stem: family for _, family, stem in (parts for parts in modules if len(parts) == 3)}


def _constants(tree: ast.Module) -> dict[str, Any]:
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("KIND", "LEVEL", "MINUTES", "AFTER", "TOPIC")
    }
