"""An exercise is a file, `<chapter>/<exercise>.py`; this reads what it says. DESIGN.md has its form."""

import ast
import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any

from ._cases import WIDE, Case, cases
from ._perform import Answer, Performance, source

SERVICE = (
    "absolute",
    "broken",
    "cases",
    "exact",
    "run",
    "size",
    "slope_absolute",
    "slope_size",
    "stub",
)  # functions of a file that are no answers
KINDS = ("derive", "build", "predict", "choose", "repair", "project")
TRAINED = ("choose", "repair", "project")
PREFIXES = ("wrong_", "right_", "check_", "_")


class Exercise:
    """One exercise, as its file has it.

    Attributes:
        name: chapter and exercise, for instance ``"huber.gradient"``.
        module: the file.
    """

    def __init__(self, name: str, module: ModuleType) -> None:
        self.name, self.module = name, module

    @cached_property
    def _parts(self) -> dict[str, str]:
        title, *rest = inspect.cleandoc(self.module.__doc__ or "").split("\n\n")
        text = "\n\n" + "\n\n".join(rest)
        found = re.split(r"\n\n(Nudge|Sketch|Why): ", text)
        return {
            "title": title.rstrip("."),
            "statement": found[0].strip(),
            **{k.lower(): " ".join(v.split()) for k, v in zip(found[1::2], found[2::2], strict=True)},
        }

    @property
    def title(self) -> str:
        """A few words, as in the chapter's heading."""
        return self._parts["title"]

    @property
    def kind(self) -> str:
        """What one does: one of ``KINDS``."""
        return str(self.said("KIND", "build"))

    @property
    def trains(self) -> bool:
        """Whether an answer trains something, and is judged by how well that does on what was held out."""
        return self.kind in TRAINED and self.exact is None

    @property
    def nudge(self) -> str:
        """The first hint, a question to think about."""
        return self._parts["nudge"]

    @property
    def sketch(self) -> str:
        """The second hint, the shape of an answer without its code."""
        return self._parts["sketch"]

    @property
    def why(self) -> str:
        """Why the obvious form fails, where it does, and why the solution does not."""
        return self._parts["why"]

    @property
    def solution(self) -> str:
        """The source of the solution."""
        return source(self.solved)

    @property
    def stub(self) -> str:
        """The source to begin with: what the file has as ``stub`` or ``broken``, or the solution's signature."""
        head = ast.parse(self.solution).body[0]
        assert isinstance(head, ast.FunctionDef)
        if hasattr(self.module, "stub"):
            return source(self.module.stub)
        if hasattr(self.module, "broken"):
            return source(self.module.broken).replace("def broken(", f"def {head.name}(", 1)
        return f"def {head.name}({ast.unparse(head.args)}):\n    return ..."

    @property
    def solved(self) -> Answer:
        """The solution: the first function of the file that is an answer."""
        answers = [f for name, f in self._functions() if name not in SERVICE and not name.startswith(PREFIXES)]
        return answers[0]  # type: ignore[no-any-return]

    @property
    def right(self) -> dict[str, Answer]:
        """Other right answers."""
        return self._called("right_")

    @property
    def wrong(self) -> dict[str, Answer]:
        """Wrong answers, which have to be refused; the first word of the docstring is the check that refuses it."""
        broken = {"as it was": self.module.broken} if hasattr(self.module, "broken") else {}
        return {**broken, **self._called("wrong_")}

    @property
    def checks(self) -> dict[str, Callable[..., None]]:
        """What is asserted of a result beside its being exact."""
        return self._called("check_")

    @property
    def exact(self) -> Answer | None:
        """What is right, for arguments in float64."""
        return getattr(self.module, "exact", None)

    def said(self, name: str, otherwise: Any) -> Any:
        """Give what the file says under this name."""
        return getattr(self.module, name, otherwise)

    @property
    def without(self) -> tuple[str, ...]:
        """What the statement forbids."""
        return tuple(self.said("WITHOUT", ()))

    @property
    def performance(self) -> Performance:
        """How answers are called."""
        smooth = (*WIDE, *self.said("DTYPES", WIDE)[:1])
        return Performance(
            self.said("run", None),
            self.without,
            tuple(self.said("GRADIENTS", ())),
            smooth,
            random=self.trains,
            numbers=self.kind == "predict",
            stub=self.stub,
        )

    def cases(self) -> list[Case]:
        """Draw fresh cases."""
        return cases(self.module)

    def forget(self, answer: Answer) -> None:
        """Drop every solution and exact form from this process; the child does so before it calls an answer."""
        loaded = [m for n, m in sys.modules.items() if n.startswith(f"{__package__}.") and "._" not in n]
        for module in loaded:
            for name, thing in list(vars(module).items()):
                if _is_of(module, thing) and not name.startswith("_") and thing is not answer:
                    delattr(module, name)
            module.__doc__ = None
        vars(self).clear()

    def _functions(self) -> list[tuple[str, Any]]:
        return [(name, f) for name, f in vars(self.module).items() if _is_of(self.module, f)]

    def _called(self, prefix: str) -> dict[str, Any]:
        return {
            name.removeprefix(prefix).replace("_", " "): f for name, f in self._functions() if name.startswith(prefix)
        }


def _is_of(module: ModuleType, thing: Any) -> bool:
    """Say whether something is a function, or a kernel, that a file defines."""
    return callable(thing) and getattr(getattr(thing, "fn", thing), "__module__", "") == module.__name__


def exercise(name: str) -> Exercise:
    """Look an exercise up by chapter and name, for instance ``"huber.gradient"``.

    Raises:
        TypeError: the name is not a text.
        ValueError: there is no exercise of that name.
    """
    if not isinstance(name, str):
        raise TypeError(f'an exercise has a name, such as "huber.gradient"; got {type(name).__name__}')
    chapter, _, key = name.partition(".")
    if chapter not in chapters():
        raise ValueError(f"no chapter {chapter!r} has exercises; those that have: {', '.join(chapters())}")
    if key not in keys(chapter):
        known = ", ".join(f"{chapter}.{other}" for other in keys(chapter))
        raise ValueError(f"no exercise is called {name!r}; this chapter has {known}")
    return Exercise(name, importlib.import_module(f"{__package__}.{chapter}.{key}"))


def draw(name: str) -> dict[str, Any]:
    """Draw one set of arguments as the judge does, to look at and to try a function on.

    Args:
        name: chapter and exercise, for instance ``"huber.gradient"``.

    Returns:
        The arguments by name, fresh ones each time.

    Raises:
        TypeError: the name is not a text.
        ValueError: there is no exercise of that name.

    Example:
        >>> from lossbook.exercises import draw
        >>> list(draw("huber.gradient"))
        ['error', 'delta']
    """
    case = exercise(name).cases()[0]
    return dict(zip(case.names, case.args, strict=True))


def chapters() -> list[str]:
    """Name the chapters that have exercises."""
    return _public(importlib.import_module(__package__))


def keys(chapter: str) -> list[str]:
    """Name the exercises of a chapter."""
    return _public(importlib.import_module(f"{__package__}.{chapter}"))


def _public(package: ModuleType) -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_"))
