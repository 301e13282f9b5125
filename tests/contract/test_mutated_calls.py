"""What can be wrong, or unusual, with a call as a whole: over every function, readable and fused."""

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from kernels import forms
from mutations import SEED
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
    tried,
)
from subjects import LOSSES, SUBJECTS, Subject, has_batch
from torch import Tensor

ZERO_ONE = ("binary_cross_entropy", "binary_cross_entropy_with_logits", "multilabel_soft_margin", "sigmoid_focal")
SIGNS = ("soft_margin", "hinge_embedding", "margin_ranking", "cosine_embedding")
JUNK = (torch.nan, torch.inf, -torch.inf, 1e308)
JUNK_LABELS = (-1, 99, torch.iinfo(torch.long).max, torch.iinfo(torch.long).min)


every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)
every_loss = pytest.mark.parametrize("subject", LOSSES, ids=str)


def clean_calls(subject: Subject) -> Iterator[tuple[str, Callable[..., Any], Case, Call]]:
    """The first case and one more by the seed, in both forms."""
    rng = random.Random(f"{SEED} {subject.stem}")
    cases = subject.cases if SEED == "all" else [subject.cases[0], rng.choice(subject.cases)]
    for case in cases:
        for form, function in forms(subject).items():
            yield form, function, case, Call.of(subject, case)


def missing(found: Outcome, *names: str) -> str:
    """Say why it is no refusal, ours or Python's own, that names one of these."""
    return "" if isinstance(found.error, TypeError) and found.names(*names) else f"not refused by name: {found}"


def right(found: Outcome, expected: list[float] | None) -> str:
    return error_in(found, expected, [None] * len(expected or []), mutant=1.0, eps=torch.finfo(torch.double).eps)


def none(subject: Subject) -> dict[str, str]:
    return {"reduction": "none"} if subject.is_loss else {}


@every_subject
def test_arguments_too_many_too_few_twice_and_unknown(
    subject: Subject, record_property: Callable[[str, object], None]
) -> None:
    verdicts = Verdicts()
    for form, function in forms(subject).items():
        call = Call.of(subject, subject.cases[0])
        values = list(call.positional.values())
        first, *_ = names = list(call.positional)
        wrong = {
            "unknown": (Call(call.positional, call.named | {"nonsense": 1}), ("nonsense",)),
            "twice": (Call(call.positional, call.named | {first: values[0]}), (first,)),
            **{f"no {n}": (Call({m: call.positional[m] for m in names if m != n}, call.named), names) for n in names},
            "by position": (Call(call.positional | {"": 1.0, " ": 2.0}, call.named), ("position", "positional")),
        }
        for what, (mutated, named) in wrong.items():
            verdicts.add(REFUSED, missing(outcome(function, mutated), *named), form, subject, what)
    verdicts.settle(record_property)


@every_subject
def test_tensors_by_name_in_any_order(subject: Subject, record_property: Callable[[str, object], None]) -> None:
    verdicts = Verdicts()
    for form, function, case, call in clean_calls(subject):
        wanted = tried(subject, function, call)
        for count in range(len(call.positional)):
            by_position = dict(list(call.positional.items())[:count])
            by_name = {name: call.positional[name] for name in reversed(call.positional) if name not in by_position}
            found = tried(subject, function, Call(by_position, by_name | call.named))
            verdicts.add(SAME, difference(found, wanted, 0.0), form, subject, case, *by_name, "by name")
    verdicts.settle(record_property)


@every_subject
def test_all_on_meta(subject: Subject, record_property: Callable[[str, object], None]) -> None:
    verdicts = Verdicts()
    for form, function, case, call in clean_calls(subject):
        wanted = tried(subject, function, call)
        found = tried(subject, function, call.map(lambda v: v.to("meta") if isinstance(v, Tensor) else v))
        like = Outcome(wanted.value.to("meta"), {n: g.to("meta") for n, g in wanted.gradients.items()})
        verdicts.add(SAME, difference(found, like, 0.0), form, subject, case)
    verdicts.settle(record_property)


@every_subject
def test_two_tensors_swapped_or_one_in_place_of_two(
    subject: Subject, record_property: Callable[[str, object], None]
) -> None:
    verdicts = Verdicts()
    for form, function, case, call in clean_calls(subject):
        tensors = [name for name in call.positional if name in call.tensors]
        for one, other in itertools.combinations(tensors, 2):
            swapped = call.put(**{one: call.positional[other], other: call.positional[one]}, **none(subject))
            found = tried(subject, function, swapped)
            if found.is_refusal_of(*call.arguments):
                verdicts.add(REFUSED, "")
            else:
                expected = by_definition(subject, swapped)
                verdicts.add(RIGHT, right(found, expected), form, subject, case, f"{one} and {other} swapped")
            shared = call.put(**{other: call.positional[one]})
            copied = call.put(**{other: call.positional[one].clone()})
            with torch.no_grad():
                found, wanted = outcome(function, shared), outcome(function, copied)
            if found.is_refusal_of(*call.arguments) and wanted.is_refusal_of(*call.arguments):
                verdicts.add(REFUSED, "")
            else:
                verdicts.add(SAME, difference(found, wanted, 0.0), form, subject, case, f"{one} as {other} too")
    verdicts.settle(record_property)


@every_subject
def test_without_gradients(subject: Subject, record_property: Callable[[str, object], None]) -> None:
    verdicts = Verdicts()
    for form, function, case, call in clean_calls(subject):
        wanted = Outcome(tried(subject, function, call).value)
        for mode in (torch.no_grad, torch.inference_mode):
            with mode():
                found = tried(subject, function, call)
            verdicts.add(SAME, difference(found, wanted, 1e-12), form, subject, case, mode.__name__)
    verdicts.settle(record_property)


@every_subject
def test_no_features(subject: Subject, record_property: Callable[[str, object], None]) -> None:
    verdicts = Verdicts()
    for form, function, case, call in clean_calls(subject):
        first = call.positional[next(iter(call.positional))]
        if first.dim() < 2:
            continue
        for size in {t.shape[-1] for t in call.tensors.values() if t.dim() > 1}:
            thin = call.map(
                lambda v, n=size: v[..., :0] if isinstance(v, Tensor) and v.dim() and v.shape[-1] == n else v
            )
            found = tried(subject, function, thin.put(**none(subject)))
            if found.is_refusal_of(*call.arguments):
                verdicts.add(REFUSED, "")
                continue
            expected = by_definition(subject, thin)
            why = "" if expected is None and found.value is not None else right(found, expected)
            verdicts.add(RIGHT, why, form, subject, case, f"0 for {size}")
    verdicts.settle(record_property)


@every_loss
def test_whatever_stands_where_sample_weight_is_zero(
    subject: Subject, record_property: Callable[[str, object], None]
) -> None:
    verdicts = Verdicts()
    for form, function, case, call in clean_calls(subject):
        shape = outcome(function, call.put(reduction="none")).value.shape
        if not shape or getattr(case, "unbatched", False):
            continue
        weight = torch.ones(shape[0], dtype=torch.double)
        weight[0] = 0
        for junk, label in zip(JUNK, JUNK_LABELS, strict=True):
            spoiled = dict(call.positional)
            for (name, value), dim in zip(spoiled.items(), subject.batch_dims((*spoiled.values(),)), strict=True):
                if has_batch(value, dim):
                    spoiled[name] = value.clone()
                    spoiled[name].select(dim, 0).fill_(junk if value.is_floating_point() else label)
            for reduction in ("none", "sum", "mean"):
                options = {"sample_weight": weight, "reduction": reduction}
                wanted = tried(subject, function, call.put(**options))
                found = tried(subject, function, call.put(**spoiled, **options))
                verdicts.add(SAME, difference(found, wanted, 1e-9), form, subject, case, junk, label, reduction)
    verdicts.settle(record_property)


LABELLED = [subject for subject in LOSSES if subject.stem in (*ZERO_ONE, *SIGNS)]


@pytest.mark.parametrize("subject", LABELLED, ids=str)
def test_labels_of_any_dtype_that_holds_them(subject: Subject, record_property: Callable[[str, object], None]) -> None:
    verdicts = Verdicts()
    unsigned = (torch.bool, torch.uint8) if subject.stem in ZERO_ONE else ()
    for form, function, case, call in clean_calls(subject):
        labels = (call.positional["target"] > 0.5).double()
        labels = 2 * labels - 1 if subject.stem in SIGNS else labels
        wanted = tried(subject, function, call.put(target=labels))
        for dtype in (torch.int8, torch.int16, torch.int32, torch.int64, *unsigned):
            found = tried(subject, function, call.put(target=labels.to(dtype)))
            verdicts.add(SAME, difference(found, wanted, 1e-12), form, subject, case, dtype)
    verdicts.settle(record_property)
