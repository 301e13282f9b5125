"""The judge: has an answer run on fresh cases, far away, and compares what comes back."""

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ._cases import HALF, Case
from ._compare import Wrong, difference, kind, misshapen, missing, worded
from ._exercise import TRAINED, Exercise
from ._isolation import Place, results
from ._perform import Answer
from ._plain import Plain
from ._reference import Reference
from ._shrink import smaller

SECONDS = 3.0
DERIVATIVES = ("gradient", "second derivative")


@dataclass(frozen=True)
class Check:
    """One line of a report: what was tried, whether the answer passed, and if not, why."""

    label: str
    passed: bool
    words: str = ""


@dataclass(frozen=True)
class Report:
    """What the judge found; notebook, terminal and tests show it each in its own way.

    Attributes:
        name: of the exercise.
        checks: what was tried, up to the first check that failed; nothing for an untouched stub.
        printed: the beginning of what the answer printed.
    """

    name: str
    checks: list[Check] = field(default_factory=list)
    printed: str = ""

    @property
    def status(self) -> str:
        """One of "not attempted", "right" and "wrong"."""
        if not self.checks:
            return "not attempted"
        return "right" if all(check.passed for check in self.checks) else "wrong"

    @property
    def lines(self) -> list[str]:
        """The report as text."""
        lines = [
            f"ok     {check.label}" if check.passed else f"WRONG  {check.label}: {check.words}" for check in self.checks
        ]
        if self.printed:
            lines.append(f"       your function printed: {self.printed}")
        return lines or ["not attempted yet"]


class Paper:
    """What one or several answers are tried on: fresh cases, and what is right for each.

    Attributes:
        task: the exercise.
        cases: the cases.
        reference: what is right, computed when it is looked at, which is after an answer has run.
    """

    def __init__(self, task: Exercise, cases: list[Case] | None = None) -> None:
        self.task, self.cases = task, task.cases() if cases is None else cases
        self.reference = Reference(task)

    def forget(self, answer: Answer) -> None:
        """Drop everything that is right; the child does so before it calls an answer."""
        self.reference.known.clear()
        self.reference.exact = None
        for case in self.cases:
            case.hidden.clear()
        self.task.forget(answer)


def judge(
    task: Exercise, answer: Answer, paper: Paper | None = None, *, shrink: bool = True, place: Place = results
) -> Report:
    """Judge an answer: one check for each kind of case, up to the first that fails.

    Args:
        task: the exercise.
        answer: the answer.
        paper: what to try it on; a fresh one where none is given.
        shrink: look for the smallest case that fails.
        place: where the answer runs.
    """
    trial = Trial(answer, paper or Paper(task), place)
    if any(plain.get("value", {}).get("said") == "..." for plain in trial.found):
        return Report(task.name)
    checks: list[Check] = []
    for label in trial.labels():
        failed = trial.first_failure(label)
        if failed:
            words = trial.told(label, *failed, shrink=shrink)
            return Report(task.name, [*checks, Check(label, False, words)], trial.printed)
        checks.append(Check(label, True))
    return Report(task.name, checks, trial.printed)


class Trial:
    """One answer on some cases: what came back, and what is wrong with it."""

    def __init__(self, answer: Answer, paper: Paper, place: Place) -> None:
        self.place = place
        self.task, self.answer, self.cases, self.reference = paper.task, answer, paper.cases, paper.reference
        self.how = self.task.performance
        seconds = self.task.said("SECONDS", SECONDS)
        if self.task.kind in TRAINED:
            _ready()
        self.found = place(self.how, answer, self.cases, seconds, lambda: paper.forget(answer))

    @property
    def printed(self) -> str:
        """The first line that the answer printed."""
        return next(
            (plain["printed"].strip().splitlines()[0] for plain in self.found if plain.get("printed", "").strip()), ""
        )

    def labels(self) -> list[str]:
        """The checks, in the order in which they are made."""
        orders = max(case.order for case in self.cases) if self.how.gradients else 0
        return ["rules", "nothing changed", *dict.fromkeys(case.label for case in self.cases), *DERIVATIVES[:orders]]

    def first_failure(self, label: str) -> tuple[Case, Plain, Wrong] | None:
        """Give the first case that fails a check, with what came back and what is wrong with it."""
        for case, plain in zip(self.cases, self.found, strict=False):
            if wrong := self.look(label, case, plain):
                return case, plain, wrong
        return None

    def look(self, label: str, case: Case, plain: Plain) -> Wrong | None:
        """Make one check of one case."""
        if label == "rules":
            return _rules(plain)
        if label == "nothing changed":
            return _changes(plain)
        if label in DERIVATIVES:
            return self._derivative(case, plain, DERIVATIVES.index(label))
        return self._value(case, plain) if case.label == label else None

    def told(self, label: str, case: Case, plain: Plain, wrong: Wrong, *, shrink: bool) -> str:
        """Say what is wrong, with the smallest case like this one that fails the same check."""
        if not {"value", "raised"} & plain.keys() or "changed" in plain:
            return wrong.words
        for _ in range(4 if shrink else 0):
            candidates = smaller(case, wrong.entry)
            trial = Trial(self.answer, Paper(self.task, candidates), self.place) if candidates else None
            failing = [
                (candidate, found)
                for candidate, came in zip(candidates, trial.found if trial else [], strict=False)
                if "ended" not in came and (found := self.look(label, candidate, came))
            ]
            if not failing:
                break
            case, wrong = failing[-1]
        return f"{told(case)}: {wrong.words}"

    def _value(self, case: Case, plain: Plain) -> Wrong | None:
        if "ended" in plain:
            return Wrong(plain["ended"])
        if "raised" in plain:
            welcome = case.refused or case.unlike is not None or _excused(plain["raised"], case)
            return None if welcome else Wrong(_raised(plain["raised"], case))
        if "value" not in plain:
            return None
        if case.refused:
            return Wrong("expected a ValueError, got a result")
        came = plain["value"]
        if came.get("said") == "None" and plain.get("printed", "").strip():
            return Wrong(f"it printed {plain['printed'].strip()[:60]!r} and returned None: `return` it instead")
        if case.unlike is not None:
            same = not difference(came, self.reference.values(case.unlike)[0])
            return Wrong("the target of -1 is no class, and it is ignored in silence") if same else None
        if self.task.exact and (wrong := self._exact(case, came)):
            return wrong
        if "truth" in case.hidden and (wrong := _unlike(came, case.hidden["truth"])):
            return wrong
        for label, assertion in self.task.checks.items():
            try:
                assertion(_tensors(came), *copy.deepcopy(case.args), **case.hidden)
            except AssertionError as error:
                return Wrong(f"{label}: {error}")
        return None

    def _exact(self, case: Case, came: Plain) -> Wrong | None:
        wanted = self.reference.values(case)
        if len(wanted) == 1 or came.get("said") == "None":
            return difference(came, wanted[0])
        parts = came.get("items", [])
        if len(parts) != len(wanted):
            return Wrong(f"expected {len(wanted)} results, got {kind(came)}")
        return _first(difference(part, each) for part, each in zip(parts, wanted, strict=True))

    def _derivative(self, case: Case, plain: Plain, step: int) -> Wrong | None:
        if "gradients_raised" in plain:
            return Wrong(f"backward raises {_raised(plain['gradients_raised'], case)}")
        if "gradients" not in plain or step >= case.order or (step and case.dtype != torch.float64):
            return None
        if not plain["graph"]:
            return Wrong("the result has no graph, so nothing would train")
        for name, wanted in zip(self.how.gradients, self.reference.gradients(case, step), strict=True):
            for came, each in zip(plain["gradients"][step][name], wanted, strict=True):
                if came.get("said") == "None":
                    if each.exact.any():
                        return Wrong(f"no gradient reaches {name}")
                elif wrong := difference(came, each):
                    return Wrong(f"for {name}: {wrong.words}", wrong.entry)
        return None


@cache
def _ready() -> None:
    """Have torch import what its first optimiser does; a child would do it each time anew."""
    torch.optim.SGD([torch.zeros((), requires_grad=True)]).step()


def _unlike(came: Plain, truth: Tensor) -> Wrong | None:
    """Say so where a result has not the form of what was held out."""
    if wrong := missing(came) or misshapen(came, truth):
        return wrong
    finite = "data" in came and all(map(math.isfinite, came["data"]))
    return None if finite else Wrong("a NaN, an infinity or a complex number is among the numbers")


def _rules(plain: Plain) -> Wrong | None:
    if "forbidden" in plain:
        return Wrong(f"it uses {plain['forbidden']}, which the statement forbids")
    return Wrong(f"refused, because {plain['nosy']}") if "nosy" in plain else None


def _changes(plain: Plain) -> Wrong | None:
    if "changed" in plain:
        return Wrong(f"it changes its argument {plain['changed']}")
    return Wrong(f"it changes {plain['state']}, for everybody") if "state" in plain else None


def _excused(raised: Plain, case: Case) -> bool:
    """Say whether an error is nobody's fault: about a NaN, about nothing, or about what half precision lacks."""
    if case.whole is not None:
        return True
    if raised["kind"] == "ZeroDivisionError":
        return any(isinstance(argument, Tensor) and not argument.numel() for argument in case.args)
    lacks = "not implemented for" in raised["text"] or "without overflow" in raised["text"]
    return case.dtype in HALF and lacks


def _first(wrongs: Iterable[Wrong | None]) -> Wrong | None:
    return next((wrong for wrong in wrongs if wrong), None)


def _tensors(came: Plain) -> Any:
    """Make tensors of a result that came as data."""
    if "items" in came:
        return [_tensors(each) for each in came["items"]]
    return torch.tensor(came["data"], dtype=torch.double).reshape(came["shape"]) if "data" in came else came.get("said")


def _raised(raised: Plain, case: Case) -> str:
    if raised["call"]:
        return f"it cannot be called with {', '.join(case.names)}: {raised['text']}"
    if raised["own"]:
        return f"your own assertion fails: {raised['text']}".removesuffix(": ")
    return f"{raised['kind']}: {raised['text']}".removesuffix(": ")


def told(case: Case) -> str:
    """Write the arguments of a case, or only what they are if they do not fit a line."""
    given = ", ".join(f"{name}={worded(value)}" for name, value in zip(case.names, case.args, strict=True))
    if len(given) > 160:
        given = ", ".join(f"{name} {_sized(value)}" for name, value in zip(case.names, case.args, strict=True))
    return given if case.dtype == torch.float64 else f"{given} in {str(case.dtype).removeprefix('torch.')}"


def _sized(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"of shape {tuple(value.shape)}"
    return f"of {len(value)} parts" if isinstance(value, list) else f"= {worded(value)}"
