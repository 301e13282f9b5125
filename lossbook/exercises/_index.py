"""Tables of exercises with links to their chapters, as a page of the book shows them."""

import re
from dataclasses import dataclass

from ._catalogue import Entry, selected
from ._notebook import MARKS

TABLE_PATTERN = re.compile(r"(?s)(?<=\| Exercise \| Kind \|).*")
"""What nbval does not compare: the table is made from the files anew, so a new exercise makes no page stale."""


def exercise_table(
    topic: str | None = None, kind: str | None = None, level: int | None = None, chapter: str | None = None
) -> "ExerciseTable":
    """Show the exercises of a topic, a kind, a level or a chapter as one table; all of them unless one is given.

    Args:
        topic: of the book, for instance ``"regression"``.
        kind: ``"derive"``, ``"build"``, ``"predict"``, ``"choose"``, ``"repair"`` or ``"project"``.
        level: 1, 2 or 3.
        chapter: for instance ``"huber"``.

    Raises:
        ValueError: there is no such topic, kind, level or chapter, or no exercise has all that was asked for.

    Example:
        >>> from lossbook.exercises import exercise_table
        >>> exercise_table(chapter="huber", kind="repair")
        a table of exercises: A delta that lost its unit
    """
    return ExerciseTable(tuple(selected(chapter, topic, kind, level)))


@dataclass(frozen=True, repr=False)
class ExerciseTable:
    """Exercises that a notebook shows as a table."""

    entries: tuple[Entry, ...]

    def __repr__(self) -> str:
        titles = [each.title for each in self.entries]
        return f"a table of exercises: {', '.join(titles[:3])}{', ...' if titles[3:] else ''}"

    def _repr_markdown_(self) -> str:
        head = "| Exercise | Kind | Chapter | Level | Minutes | After |\n|---|---|---|---|---|---|\n"
        return head + "\n".join(map(_row, self.entries))


def _row(entry: Entry) -> str:
    after = ", ".join(f"`{name}`" for name in entry.after)
    name = f"[{entry.title}]({entry.topic}/{entry.chapter}.ipynb#{_anchor(entry.title)})"
    return f"| {name} | {entry.kind} | `{entry.chapter}` | {MARKS[entry.level]} | {entry.minutes} | {after} |"


def _anchor(title: str) -> str:
    """What a heading is found by."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
