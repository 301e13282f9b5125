"""Hints and solution of an exercise, folded on a page, whole as text."""

import html
from collections.abc import Iterator
from dataclasses import dataclass

from ._exercise import exercise


def help_for(name: str) -> "Help":
    """Show two hints and the solution of an exercise, each folded until you open it.

    Args:
        name: chapter and exercise, for instance ``"huber.gradient"``.

    Raises:
        TypeError: the name is not a text.
        ValueError: there is no exercise of that name.

    Example:
        >>> from lossbook.exercises import help_for
        >>> help_for("huber.gradient")
        huber.gradient: a nudge, a sketch and the solution, folded in the page; help_for(...).text prints them
    """
    return Help(exercise(name).name)


@dataclass(frozen=True, repr=False)
class Help:
    """Hints and solution as folded HTML in a notebook, as one line in a terminal, whole in ``text``.

    It reads them when they are shown: no answer that is being judged finds them in a notebook's history.
    """

    name: str

    @property
    def text(self) -> str:
        """The hints and the solution as plain text, in order."""
        return "\n\n".join(f"{title}\n{body}" for title, body, _ in self._parts())

    def __repr__(self) -> str:
        return f"{self.name}: a nudge, a sketch and the solution, folded in the page; help_for(...).text prints them"

    def _repr_html_(self) -> str:
        return "".join(
            f"<details><summary>{title}</summary>"
            + (f"<pre>{html.escape(body)}</pre>" if is_code else f"<p>{html.escape(body)}</p>")
            + "</details>"
            for title, body, is_code in self._parts()
        )

    def _parts(self) -> Iterator[tuple[str, str, bool]]:
        task = exercise(self.name)
        yield "A nudge", task.nudge, False
        yield "A sketch", task.sketch, False
        yield "The solution", task.solution, True
        yield "Why this form", task.why, False
