"""Every argument of every function, mutated: refused by its name, or as right as the clean call.

``tests/mutations.py`` says what is tried. ``MUTATIONS=7 make unit`` takes another seed, ``MUTATIONS=all`` everything.
"""

import collections
import functools
import inspect
import itertools
import random
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from kernels import forms
from mutations import BY_KIND, EITHER, SEED, SKIP, Mutation
from oracles import Case
from outcomes import (
    REFUSED,
    RIGHT,
    SAME,
    Call,
    Outcome,
    Verdicts,
    by_definition,
    difference,
    error_in,
    outcome,
    tolerance_of,
    tried,
)
from subjects import SUBJECTS, Subject, convert
from torch import Tensor

from lossbook._core import numbers

SHARE = 1.0 if SEED == "all" else 0.13  # of the arguments that each mutation is tried on
STAND_IN = {"softcap": 2.0, "ignore_index": -100, "alpha": 0.25, "dtype": torch.double, "dim": -1}  # for None
BY_NAME = {"normalizer": "normalizer", "dim": "integer", "dtype": "dtype", "distance_function": "callable"}
BY_NAME |= dict.fromkeys(("weight", "pos_weight", "sample_weight"), "weight")
BY_NAME |= dict.fromkeys(("linear_bias", "target_bias"), "bias")
BY_CHECK = {numbers.flag: "flag", numbers.integer: "integer", numbers.index: "integer"}
ALSO = dict.fromkeys(
    ((f"{what}_lengths", kind) for what in ("input", "target") for kind in ("a list", "an array")), EITHER
)
ALSO |= dict.fromkeys(((name, "a number") for name in ("var", "quantile", "alpha")), RIGHT)  # wrong for others
ALSO |= {("var", "a tensor of nan"): RIGHT}


# --- what is mutated -------------------------------------------------------------------------------------------------


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


def rule_of(function: Callable[..., Any], name: str) -> Any:
    return getattr(function, "rules", {}).get(name)


def takes_none(function: Callable[..., Any], name: str) -> bool:
    return parameters(function)[name].default is None or getattr(rule_of(function, name), "optional", False)


def kind_of(function: Callable[..., Any], name: str, given: Any) -> str:
    """The kind of an argument, by which mutations are chosen; "" for a list of lengths, which is none."""
    if name in BY_NAME:
        return BY_NAME[name]
    rule, parameter = rule_of(function, name), parameters(function)[name]
    is_setting = parameter.kind is parameter.KEYWORD_ONLY
    if isinstance(given, Tensor) and (given.dim() or not is_setting):
        return "scores" if given.is_floating_point() else "indices"
    if not is_setting:
        return "scalar" if isinstance(given, float) else ""
    if hasattr(rule.check, "options"):
        return "choice"
    return "scalar" if rule.tensor else BY_CHECK.get(rule.check, "number")


def clean_value(subject: Subject, function: Callable[..., Any], call: Call, name: str, kind: str) -> Any:
    """What a call gives for an argument, or a value that it could give."""
    given = call.arguments.get(name, parameters(function)[name].default)
    if given is not None:
        return given.item() if kind == "scalar" and isinstance(given, Tensor) else given
    return STAND_IN[name] if name in STAND_IN else fitting(subject, call, name)


def fitting(subject: Subject, call: Call, name: str) -> Any:
    """A normalizer, a bias, or a weight of each entry or class."""
    if name in ("normalizer", "distance_function"):
        return {"normalizer": 3.0}.get(name)
    arguments = list(call.positional.values())
    if name in ("linear_bias", "target_bias"):
        shapes = [call.positional[name.replace("bias", "weight")].shape[:-1]]
    elif name == "sample_weight":
        shapes = [subject.function(*arguments, **call.named, reduction="none").shape]
    else:  # one for each class, which is the second dimension, the last or the first of a map; or for each entry
        scores = arguments[0]
        classes = [scores.shape[1:2], scores.shape[-1:], scores.shape, arguments[1].shape[:1]]
        shapes = classes[::-1] if "linear_weight" in call.positional else classes
    rng = torch.Generator().manual_seed(0)
    weights = [torch.rand(shape, generator=rng, dtype=torch.double) + 0.5 for shape in shapes]
    return next((w for w in weights if outcome(subject.function, call.put(**{name: w})).error is None), weights[0])


def places(subject: Subject) -> dict[tuple[str, str], list[Case]]:
    """The arguments of a function with their kinds, and the cases in which they are of that kind."""
    found: dict[tuple[str, str], list[Case]] = collections.defaultdict(list)
    for case in subject.cases:
        call = Call.of(subject, case)
        every = functools.reduce(lambda one, other: one | other, map(parameters, forms(subject).values()))
        for name, parameter in every.items():
            for function in forms(subject).values():
                if name not in parameters(function):
                    continue
                kind = kind_of(function, name, call.arguments.get(name, parameter.default))
                if kind and case not in found[name, kind]:
                    found[name, kind].append(case)
    return {place: cases for place, cases in found.items() if cases}


PLACES = {subject.stem: places(subject) for subject in SUBJECTS}


def plan() -> dict[str, list[tuple[str, str, str]]]:
    """Deal the arguments of each kind to its mutations: a share of them to each, every one in turn."""
    rng = random.Random(SEED)
    chosen: dict[str, list[tuple[str, str, str]]] = {subject.stem: [] for subject in SUBJECTS}
    for kind, mutations in BY_KIND.items():
        of_kind = [(stem, name) for stem, found in PLACES.items() for name, its_kind in found if its_kind == kind]
        rng.shuffle(of_kind)
        turns = itertools.cycle(of_kind)
        for label in rng.sample(list(mutations), len(mutations)):
            for stem, name in itertools.islice(turns, max(1, round(SHARE * len(of_kind)))):
                chosen[stem].append((name, kind, label))
    return chosen


PLAN = plan()


# --- the run ---------------------------------------------------------------------------------------------------------


def mutate(subject: Subject, name: str, kind: str, label: str, verdicts: Verdicts) -> None:
    """Try one mutation of one argument, in both forms."""
    mutation = BY_KIND[kind][label]
    mutation = mutation._replace(due=ALSO.get((name, label), mutation.due))
    seed = f"{SEED} {subject.stem} {name} {label}"
    rng = random.Random(seed)
    case, reduction = rng.choice(PLACES[subject.stem][name, kind]), rng.choice(("none", "mean", "sum"))
    clean = Call.of(subject, case, rng.randrange(100))
    if label.startswith("float32"):
        clean = clean.map(lambda value: convert(value, torch.float32))
    if label == "on meta" and len(clean.tensors) == 1:
        return  # nothing is elsewhere
    for form, function in forms(subject).items():
        if name not in parameters(function) or (label == "None" and takes_none(function, name)):
            continue
        value = clean_value(subject, function, clean, name, kind)
        mutant = mutation.make(value, random.Random(seed))
        if mutant is not SKIP:
            verdict, why = Mutated(subject, function, clean, name, value, mutant, label).judged(mutation, reduction)
            verdicts.add(verdict, why, form, f"{function.__name__}({name}={label})", f"[{case}]")


class Mutated(NamedTuple):
    """A call of which one argument is another."""

    subject: Subject
    function: Callable[..., Any]
    clean: Call
    name: str
    value: Any  # the clean one
    mutant: Any
    label: str

    def judged(self, mutation: Mutation, reduction: str) -> tuple[str, str]:
        """Give the verdict, and what is bad about the call or ""."""
        if mutation.due == RIGHT:
            reduction = "none"
        if self.name == "normalizer":
            reduction = "mean"
        options = {"reduction": reduction} if self.subject.is_loss and self.name != "reduction" else {}
        call = self.clean.put(**{self.name: self.mutant}, **options)
        found = tried(self.subject, self.function, call)
        if found.is_refusal_of(self.name) and mutation.due != SAME:
            return REFUSED, ""
        if mutation.due == REFUSED:
            return REFUSED, f"not refused by name: {found}"
        if found.is_refusal_of(*self.clean.arguments) and mutation.due != SAME:
            return REFUSED, ""  # of two arguments that do not go together, either may be named
        if mutation.due == RIGHT:
            return RIGHT, self.error(call, found)
        like = self.clean.put(**{self.name: mutation.like(self.mutant, self.value)}, **options)
        wanted = tried(self.subject, self.function, like)
        if found.is_refusal_of(*like.arguments) and wanted.is_refusal_of(*like.arguments):
            return REFUSED, ""
        return SAME, difference(found, wanted, tolerance_of(self.mutant))

    def error(self, call: Call, found: Outcome) -> str:
        """Say how a value differs from the definition, or ""."""
        if found.value is None:
            return str(found)
        eps = max(torch.finfo(t.dtype).eps for t in self.clean.tensors.values() if t.is_floating_point())
        if self.name == "normalizer":
            total = self.subject.function(*self.clean.positional.values(), **self.clean.named, reduction="sum")
            return error_in(found, [total.item() / float(self.mutant)], [None], self.mutant, eps)
        expected = by_definition(self.subject, call)
        untouched: list[float | None] = [None] * len(expected or [])
        spreads = self.subject.coupled or self.subject.family == "sequence"  # over a batch, or over all paths
        if expected and self.label.endswith("in one entry") and not spreads:
            untouched = self.untouched(call, expected)
        return error_in(found, expected, untouched, self.mutant, eps)

    def untouched(self, call: Call, expected: list[float]) -> list[float | None]:
        """The losses that one entry does not touch: they are as in the clean call, and for NaN as for any number."""
        finite = [self.mutant.nan_to_num(far) for far in (-1e6, 1e6) if self.mutant.isnan().any()]
        calls = [self.clean, *(call.put(**{self.name: number}) for number in finite)]
        losses = [by_definition(self.subject, other) for other in calls]
        if any(each is None or len(each) != len(expected) for each in losses):
            return [None] * len(expected)
        return [e if e and {e, *others} == {e} else None for e, *others in zip(expected, *losses, strict=True)]


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_a_mutated_call_is_refused_by_name_or_right(
    subject: Subject, record_property: Callable[[str, object], None]
) -> None:
    verdicts = Verdicts()
    for name, kind, label in PLAN[subject.stem]:
        mutate(subject, name, kind, label, verdicts)
    verdicts.counts["functions"] = len(forms(subject))
    verdicts.settle(record_property)


def test_every_argument_is_mutated_and_every_mutation_made() -> None:
    made = {(stem, name, kind, label) for stem, chosen in PLAN.items() for name, kind, label in chosen}
    assert {(s, n, k) for s, n, k, _ in made} == {(s, n, k) for s, found in PLACES.items() for n, k in found}
    assert {(k, label) for _, _, k, label in made} == {(k, label) for k, found in BY_KIND.items() for label in found}


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_what_is_mutated_is_a_call_that_works(subject: Subject) -> None:
    for (name, kind), (case, *_) in PLACES[subject.stem].items():
        for function in forms(subject).values():
            if name in parameters(function):
                call = Call.of(subject, case)
                found = outcome(function, call.put(**{name: clean_value(subject, function, call, name, kind)}))
                assert found.error is None, f"{name}: {found}"
