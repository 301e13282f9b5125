"""Promises on values, dtypes and memory.

None is fine, a text says what was found, NotCheckedError why nothing can be said.
"""

import math
import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from .trial import DTYPES, REFUSALS, NotCheckedError, Trial, difference, in_short


def runs(trial: Trial) -> str | None:
    value = trial()
    return None if value.isfinite().all() else f"it is {value[~value.isfinite()][0].item()}"


def oracle(trial: Trial) -> str | None:
    if trial.oracle is None:
        raise NotCheckedError("no oracle= was given")
    value = trial.each()
    expected = torch.as_tensor(trial.oracle(*trial.args), dtype=torch.float64).reshape(value.shape)
    finite = expected[expected.isfinite()].abs()
    largest = max(1.0, finite.max().item() if finite.numel() else 1.0)
    off = difference(value, expected, 1e-12, 1e-12 * largest, equal_nan=True)
    return None if off is None else f"it is off by {off:.3g}"


def reductions(trial: Trial) -> str | None:
    if not trial.reductions:
        raise NotCheckedError(_without_reduction(trial))
    each, total, mean = (trial(reduction=name) for name in ("none", "sum", "mean"))
    if not _same(total, each.sum()):
        return f'"sum" is {total.item():.6g}, the sum of "none" is {each.sum().item():.6g}'
    if trial.mean is not None:
        expected = torch.as_tensor(trial.mean(each, *trial.args), dtype=torch.float64).reshape(mean.shape)
        if not _same(mean, expected):
            return f'"mean" is {mean.item():.6g}, by mean= it is {expected.item():.6g}'
    halves = _halves(trial, each)
    if all(_same(part(reduction="mean"), part.each().mean()) for part in (trial, *halves)):
        return None
    found = f'"mean" is {mean.item():.6g}, the mean of "none" is {each.mean().item():.6g}'
    if halves and (wrong := _wrong_divisor(trial, halves)):
        return f"{found}: {wrong}"
    if trial.mean is None:
        raise NotCheckedError(f"{found}; if it divides by counts of its own, give it, mean=lambda each, *args: ...")
    return None


def _wrong_divisor(trial: Trial, halves: list[Trial]) -> str | None:
    """Find out what no count can be: a constant, or what the halves of the batch contradict."""
    parts = (trial, *halves)
    entries = [part.each() for part in parts]
    totals, means = ([part(reduction=name) for part in parts] for name in ("sum", "mean"))
    # The mean of nothing is nan, and it counts 0. A mean of 0 says nothing about its divisor.
    counts = [0.0 if m.isnan() else (t / m).item() for t, m in zip(totals, means, strict=True)]
    if any(math.isnan(count) for count in counts):
        return None
    if _alike(counts):
        return f"it divides by {counts[0]:.6g}, whatever the number of samples"
    apart = _same(torch.cat(entries[1:]), entries[0])  # the halves do not see each other
    if apart and not any(_alike([count, 1.0]) for count in counts[1:]):  # 1 may stand for nothing, as the least count
        by_counts = totals[0] / sum(counts[1:])
        by_samples = sum(m.nan_to_num() * len(e) for m, e in zip(means[1:], entries[1:], strict=True)) / len(entries[0])
        if not _same(means[0], by_counts) and not _same(means[0], torch.as_tensor(by_samples)):
            return "it does not follow from those of two halves"
    shares = [count / e.numel() for count, e in zip(counts, entries, strict=True)]
    counted = all(_alike([count, len(e)]) for count, e in zip(counts, entries, strict=True)) or _may_hold_counts(trial)
    if _alike(shares) and trial.mean is None and not counted:
        return f"{1 / shares[0]:.6g} times as much, whatever the samples"
    return None


def _alike(numbers: Sequence[float]) -> bool:
    return all(math.isclose(number, numbers[0], rel_tol=1e-5) for number in numbers)


def _without_reduction(trial: Trial) -> str:
    return "a module is built with one" if isinstance(trial.loss, nn.Module) else "it takes no reduction"


def _same(actual: Tensor, expected: Tensor) -> bool:
    """Compare as closely as an epsilon in a divisor allows."""
    return difference(actual, expected, 1e-5, 1e-12, equal_nan=True) is None


def _halves(trial: Trial, each: Tensor) -> list[Trial]:
    """The trials of either half of the samples, if the arguments can be cut along them."""
    samples = len(each) if each.dim() else 0

    def cut(value: Any, keep: slice) -> Any:
        if isinstance(value, Tensor) and samples in value.shape:
            place = value.shape.index(samples)
            return value[(slice(None),) * place + (keep,)]
        return value[keep] if isinstance(value, list | tuple) and len(value) == samples else value

    middle = samples // 2
    for cut_settings in (False, True):  # a tensor among them may have an entry for each sample
        halves = []
        for keep in (slice(middle), slice(middle, None)):
            settings = {name: cut(v, keep) if cut_settings else v for name, v in trial.settings.items()}
            halves.append(replace(trial, args=tuple(cut(a, keep) for a in trial.args), settings=settings))
        try:
            if middle and [len(half.each()) for half in halves] == [middle, samples - middle]:
                return halves
        except Exception:
            continue
    return []


def _may_hold_counts(trial: Trial) -> bool:
    """Say whether a divisor may have come with the call: as a weight, as a label, as a length."""
    floating = [isinstance(a, Tensor) and a.is_floating_point() for a in trial.args]
    return bool(trial.settings) or len(floating) > 2 or not all(floating)


def unknown_reduction(trial: Trial) -> str | None:
    if not trial.reductions:
        raise NotCheckedError(_without_reduction(trial))
    try:
        trial(reduction="avg")
    except (ValueError, TypeError):
        return None
    return 'reduction="avg" is accepted'


def dtypes(trial: Trial) -> str | None:
    for dtype in DTYPES:
        narrow = trial.cast(dtype)
        value, gradients = narrow.value_and_gradients()
        expected, expected_gradients = narrow.cast(torch.float64).value_and_gradients()
        if value.dtype != dtype:
            return f"{dtype} comes back as {value.dtype}"
        tolerance = 4 * torch.finfo(dtype).eps
        # float32 rounds what it computes on the way, as if the arguments were rounded once more; the two below it are
        # to be computed in float32.
        moved = sum((a * g).abs().sum().item() for a, g in zip(narrow.leaves()[0], expected_gradients, strict=True))
        slack = 1.0 + (moved if dtype.itemsize >= 4 else 0.0)
        if (off := difference(value, expected, tolerance, tolerance * slack, equal_nan=True)) is not None:
            return f"{dtype} is off by {off:.3g}"
        for gradient, wide in zip(gradients, expected_gradients, strict=True):
            if (off := difference(gradient, wide, 4 * tolerance)) is not None:
                return f"the gradient in {dtype} is off by {off:.3g}"
    return None


def scales(trial: Trial) -> str | None:
    """Compare with float64: what no float32 can hold may be infinite."""
    largest = torch.finfo(torch.float32).max
    grown, left_out = False, ""
    for scale in sorted(trial.scales):
        scaled = trial.at(scale * trial.args[0])
        try:
            wide, narrow = (scaled.cast(dtype).value_and_gradients() for dtype in (torch.float64, torch.float32))
        except REFUSALS as error:
            if scale == 1:
                raise
            left_out = left_out or f"refused at scale {scale:g}, out of its domain: {in_short(error)}"
            continue
        for dtype, (value, gradients) in {torch.float64: wide, torch.float32: narrow}.items():
            for name, tensor, exact in (
                ("value", value, wide[0]),
                *(("gradient", gradient, exact) for gradient, exact in zip(gradients, wide[1], strict=True)),
            ):
                beyond = (exact.abs() > largest) & (exact.isfinite() | grown)  # grown: as an exponential grows
                wrong = ~tensor.isfinite() & ~(tensor.isinf() & beyond)
                if wrong.any():
                    return f"{name} is {tensor[wrong][0].item()} at scale {scale:g} in {dtype}"
        if not wide[0].isfinite().all():
            left_out = left_out or f"finite as long as float64 holds it, which ends before scale {scale:g}"
        grown = grown or bool((wide[0].abs() > largest).any())
    if left_out:
        raise NotCheckedError(left_out)
    return None


def coincidence(trial: Trial) -> str | None:
    first, second = _pair(trial)
    if not second.is_floating_point():
        raise NotCheckedError("the second argument holds no floating-point numbers")
    refusal: Exception | None = None
    for both in (second, first):  # the first may have a domain that the second has not, and the other way round
        try:
            _, gradients = trial.at(both, both).value_and_gradients()
        except REFUSALS as error:
            refusal = refusal or error
            continue
        wrong = torch.cat([gradient[~gradient.isfinite()] for gradient in gradients])
        return f"it is {wrong[0].item()}" if wrong.numel() else None
    assert refusal is not None
    for both in (second, first):
        try:
            trial.at(both * (1 + 1e-6), both)()
        except REFUSALS:
            continue
        return f"it is refused, though close ones are not: {in_short(refusal)}"
    raise NotCheckedError(f"the two have different domains: {in_short(refusal)}")


def broadcast(trial: Trial) -> str | None:
    first, second = (argument.reshape(len(argument), -1) for argument in _pair(trial))
    try:
        trial.at(first[:, :1], second[:, 0])()
    except (ValueError, RuntimeError, TypeError):
        return None
    return "it broadcasts"


def _pair(trial: Trial) -> tuple[Tensor, Tensor]:
    """The first two arguments, if they have one shape."""
    if len(trial.args) < 2 or not isinstance(trial.args[1], Tensor) or trial.args[1].shape != trial.args[0].shape:
        raise NotCheckedError("the second argument has not the shape of the first")
    return trial.args[0], trial.args[1]


def layout(trial: Trial) -> str | None:
    def scattered(value: Any) -> Any:
        """The same numbers, with gaps between them, in the order of the columns."""
        if not isinstance(value, Tensor) or not value.dim():
            return value
        return torch.stack([value.transpose(0, -1)] * 2, dim=-1)[..., 0].transpose(0, -1)

    off = difference(trial.at(*map(scattered, trial.args)).each(), trial.each(), 1e-7)
    return None if off is None else f"it is off by {off:.3g}"


def purity(trial: Trial) -> str | None:
    tensors = {f"argument {n}": a for n, a in enumerate(trial.args, 1)} | trial.settings
    before = {name: (a.clone(), a._version) for name, a in tensors.items() if isinstance(a, Tensor)}
    trial.value_and_gradients()
    trial()  # on the arguments themselves, of which the gradients are taken on copies
    for name, (old, version) in before.items():
        if tensors[name]._version != version or not torch.equal(tensors[name], old):
            return f"{name} has changed"
    return None


def pickled(trial: Trial) -> str | None:
    if not isinstance(trial.loss, nn.Module):
        raise NotCheckedError("it is not a module")
    again = pickle.loads(pickle.dumps(trial.loss))
    again.load_state_dict(trial.loss.state_dict())
    return None if torch.equal(replace(trial, loss=again)(), trial()) else "it gives another value"
