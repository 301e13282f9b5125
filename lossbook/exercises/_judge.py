"""The judge: what an exercise is, and how an answer to it is checked."""

import html
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Exercise:
    """One exercise: what the reader sees, what the judge runs, and the answers it must refuse.

    Attributes:
        title: a few words, as in the chapter's heading.
        stub: source of the function to complete; its body returns ``...``, which counts as not attempted.
        nudge: the first hint, a question to think about.
        sketch: the second hint, the shape of an answer without its code.
        solution: source of a right answer.
        reason: why the obvious form fails, where it does, and why this one does not.
        checks: label -> function of the answer that raises ``AssertionError`` with what was expected and what came.
        wrong: label -> source of an answer that the checks must refuse.
    """

    title: str
    stub: str
    nudge: str
    sketch: str
    solution: str
    reason: str
    checks: dict[str, Callable[[Answer], None]]
    wrong: dict[str, str]


def check(name: str, answer: Answer) -> None:
    """Check an answer and print one line for each thing that was tried; a wrong answer raises nothing.

    Args:
        name: chapter and exercise, for instance ``"huber.gradient"``.
        answer: your function. A stub that still returns ``...`` is reported as not attempted.

    Raises:
        ValueError: there is no exercise of that name.
        TypeError: the name is not a text, or the answer cannot be called.

    Example:
        >>> from lossbook.exercises import check
        >>> check("huber.gradient", lambda error, delta: ...)
        huber.gradient: not attempted yet
    """
    if not isinstance(name, str) or not callable(answer):
        raise TypeError('check takes the name of an exercise and your function: check("huber.gradient", mine)')
    for line in judge(exercise(name), answer) or ["not attempted yet"]:
        print(f"{name}: {line}")


def judge(task: Exercise, answer: Answer) -> list[str]:
    """Give a line for each check, up to the first that fails; no line if the answer is an untouched stub."""
    lines: list[str] = []
    for label, trial in task.checks.items():
        returned: list[Any] = []
        try:
            with torch.random.fork_rng(devices=[]):
                torch.seed()  # fresh draws every time, and the reader's own random numbers stay as they were
                trial(_watched(answer, returned))
        except Exception as error:
            if returned and returned[-1] is ...:
                return []
            reason = str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
            return [*lines, f"WRONG  {label}: {reason.strip().splitlines()[0] if reason.strip() else 'refused'}"]
        lines.append(f"ok     {label}")
    return lines


def _watched(answer: Answer, returned: list[Any]) -> Answer:
    def call(*args: Any, **kwargs: Any) -> Any:
        returned.append(answer(*args, **kwargs))
        return returned[-1]

    return call


def same(actual: Any, expected: Tensor, where: str) -> None:
    """Assert a tensor equal to the expected one, naming where it is not."""
    assert isinstance(actual, Tensor), f"{where}: expected a tensor, got {type(actual).__name__}"
    assert actual.shape == expected.shape, f"{where}: expected shape {tuple(expected.shape)}, got {tuple(actual.shape)}"
    assert not actual.isnan().any(), f"{where}: got nan"
    worst = (actual - expected).abs().max().item()
    assert worst <= 1e-9 * max(1.0, expected.abs().max().item()), f"{where}: off by {worst:.3g}"


def exercise(name: str) -> Exercise:
    """Look an exercise up by chapter and name, for instance ``"huber.gradient"``."""
    chapter, _, key = name.partition(".")
    if chapter not in chapters():
        raise ValueError(f"no chapter {chapter!r} has exercises; those that have: {', '.join(chapters())}")
    tasks: dict[str, Exercise] = importlib.import_module(f"{__package__}.{chapter}").EXERCISES
    if key not in tasks:
        known = ", ".join(f"{chapter}.{other}" for other in tasks)
        raise ValueError(f"no exercise is called {name!r}; this chapter has {known}")
    return tasks[key]


def chapters() -> list[str]:
    """Name the chapters that have exercises."""
    package = importlib.import_module(__package__)
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))


def help_for(name: str) -> "Help":
    """Show two hints and the solution of an exercise, each folded until you open it.

    Args:
        name: chapter and exercise, for instance ``"huber.gradient"``.

    Raises:
        ValueError: there is no exercise of that name.

    Example:
        >>> from lossbook.exercises import help_for
        >>> help_for("huber.gradient")
        huber.gradient: a nudge, a sketch and the solution, folded in the page; help_for(...).text prints them
    """
    return Help(name, tuple(_parts(exercise(name))))


@dataclass(frozen=True, repr=False)
class Help:
    """Hints and solution as folded HTML in a notebook, as one line in a terminal, whole in ``text``."""

    name: str
    parts: tuple[tuple[str, str, bool], ...]

    @property
    def text(self) -> str:
        """The hints and the solution as plain text, in order."""
        return "\n\n".join(f"{title}\n{body}" for title, body, _ in self.parts)

    def __repr__(self) -> str:
        return f"{self.name}: a nudge, a sketch and the solution, folded in the page; help_for(...).text prints them"

    def _repr_html_(self) -> str:
        return "".join(
            f"<details><summary>{title}</summary>"
            + (f"<pre>{html.escape(body)}</pre>" if is_code else f"<p>{html.escape(body)}</p>")
            + "</details>"
            for title, body, is_code in self.parts
        )


def _parts(task: Exercise) -> Iterator[tuple[str, str, bool]]:
    yield "A nudge", task.nudge, False
    yield "A sketch", task.sketch, False
    yield "The solution", task.solution.strip(), True
    yield "Why this form", task.reason, False
