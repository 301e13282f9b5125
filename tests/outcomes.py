"""What comes of a call, a value with its gradients or an error, and whether it is the right one."""

import collections
import inspect
import linecache
import math
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mpmath import mp
from oracles import Case
from subjects import Subject, draw, exact, take
from torch import Tensor

import lossbook

PACKAGE = str(Path(lossbook.__file__).parent)
PER_CALL = ("sample_weight", "normalizer", "reduction")  # what no oracle takes
DERIVED = (torch.float64, torch.float32)  # where gradients are compared
REFUSED, SAME, RIGHT, BAD = "refused by name", "same", "right", "bad"
TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-5, torch.bfloat16: 5e-2, torch.float16: 1e-2}


class Call(NamedTuple):
    """The arguments of a call by name; the first ones are given by position."""

    positional: dict[str, Any]
    named: dict[str, Any]

    def put(self, **values: Any) -> "Call":
        by_position = {name: value for name, value in values.items() if name in self.positional}
        return Call(
            self.positional | by_position, self.named | {n: v for n, v in values.items() if n not in by_position}
        )

    def map(self, change: Callable[[Any], Any]) -> "Call":
        return Call(*({name: change(value) for name, value in group.items()} for group in self))

    @classmethod
    def of(cls, subject: Subject, case: Case, seed: int = 0) -> "Call":
        names = inspect.signature(subject.function).parameters
        return cls(dict(zip(names, draw(case, seed=seed), strict=False)), dict(case.settings))

    @property
    def arguments(self) -> dict[str, Any]:
        return self.positional | self.named

    @property
    def tensors(self) -> dict[str, Tensor]:
        return {name: value for name, value in self.arguments.items() if isinstance(value, Tensor)}

    def with_leaves(self, subject: Subject, function: Callable[..., Any]) -> "Call":
        """The same with fresh leaves where the function has gradients."""
        names = getattr(function, "gradients", None)
        if names is None:
            names = [list(inspect.signature(function).parameters)[i] for i in subject.gradients]
        derived = {n: t for n, t in self.tensors.items() if n in names and t.dtype in DERIVED and not t.is_inference()}
        return self.put(**{n: t.detach().requires_grad_() for n, t in derived.items() if is_plain(t)})


@dataclass(frozen=True)
class Outcome:
    """A value with its gradients by argument, or an error."""

    value: Tensor | None = None
    gradients: dict[str, Tensor] = field(default_factory=dict)
    error: Exception | None = None

    def __str__(self) -> str:
        if self.error is not None:
            return f"{type(self.error).__name__}: {(str(self.error).splitlines() or [''])[0][:150]}"
        return show(self.value)

    def is_refusal_of(self, *names: str) -> bool:
        """Say whether it is a TypeError or ValueError that we raise, and that names one of these arguments."""
        if type(self.error) not in (TypeError, ValueError):
            return False
        frame = traceback.extract_tb(self.error.__traceback__)[-1]
        line = linecache.getline(frame.filename, frame.lineno or 0).strip()
        ours = frame.filename.startswith(PACKAGE) and line.startswith("raise ")
        return ours and self.names(*names)

    def names(self, *names: str) -> bool:
        return any(re.search(rf"\b{name}\b", str(self.error)) for name in names)


def outcome(function: Callable[..., Any], call: Call) -> Outcome:
    try:
        value = function(*call.positional.values(), **call.named)
        value = value[0] if isinstance(value, tuple) else value  # the fused forms may return the logsumexp too
        leaves = {name: tensor for name, tensor in call.tensors.items() if tensor.requires_grad}
        if not leaves or not value.requires_grad:
            return Outcome(value.detach())
        upstream = torch.linspace(1, 2, value.numel(), dtype=value.dtype, device=value.device).reshape(value.shape)
        found = torch.autograd.grad(value, [*leaves.values()], upstream, allow_unused=True, materialize_grads=True)
        return Outcome(value.detach(), dict(zip(leaves, found, strict=True)))
    except Exception as error:
        return Outcome(error=error)


class State(NamedTuple):
    """What a call has to leave as it is."""

    grad_mode: bool
    inference_mode: bool
    default_dtype: torch.dtype
    random_generator: bytes
    versions: dict[str, int]
    arguments: dict[str, bytes]

    @classmethod
    def now(cls, call: Call) -> "State":
        counted = {n: t for n, t in call.tensors.items() if not t.is_inference() and not t.is_nested}
        return cls(
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            torch.get_default_dtype(),
            torch.get_rng_state().numpy().tobytes(),
            {name: tensor._version for name, tensor in counted.items()},
            {name: bits(tensor) for name, tensor in call.tensors.items() if is_plain(tensor) and not tensor.is_meta},
        )

    def changed(self, later: "State") -> str:
        return ", ".join(name for name in self._fields if getattr(self, name) != getattr(later, name))


def tried(subject: Subject, function: Callable[..., Any], call: Call) -> Outcome:
    """Make a call with fresh leaves; that it changes something is an error."""
    ready = call.with_leaves(subject, function)
    before = State.now(ready)
    found = outcome(function, ready)
    changed = before.changed(State.now(ready))
    return Outcome(error=RuntimeError(f"changes {changed}")) if changed else found


def is_plain(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and not tensor.is_nested and not tensor.is_quantized


def bits(tensor: Tensor) -> bytes:
    flat = tensor.detach().as_subclass(Tensor).resolve_neg().reshape(-1)
    try:
        return flat.view(torch.uint8).numpy().tobytes()
    except RuntimeError:  # a dtype of less than a byte
        return b""


def show(value: Any) -> str:
    if isinstance(value, Tensor) and is_plain(value) and not value.is_meta:
        return str([float(f"{number:.6g}") for number in value.flatten()[:6].double().tolist()])
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}, {value.layout}, on {value.device}"
    return str(value)


class Verdicts:
    """What came of the calls of a test: how many were refused, same, right and bad, and why."""

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.bad: list[str] = []

    def add(self, verdict: str, why: str, *call: object) -> None:
        """Count a call, which is bad where there is something to say of it."""
        self.counts[BAD if why else verdict] += 1
        if why:
            self.bad.append(" ".join(map(str, call)) + f": {why}")

    def settle(self, record_property: Callable[[str, object], None]) -> None:
        """Hand the counts to the line of ``make test``, and fail if a call was bad."""
        record_property("mutations", dict(self.counts))
        assert not self.bad, "\n".join([f"{len(self.bad)} bad calls", *self.bad])


# --- the same as another call ----------------------------------------------------------------------------------------


def difference(found: Outcome, wanted: Outcome, tolerance: float) -> str:
    """Say how an outcome differs from that of a clean call, or ""."""
    if found.value is None or wanted.value is None:
        return f"{found}, the clean call: {wanted}"
    if not equal(found.value, wanted.value, tolerance):
        return f"value {show(found.value)}, the clean call: {show(wanted.value)}"
    for name in found.gradients.keys() & wanted.gradients.keys():
        mine, other = found.gradients[name], wanted.gradients[name]
        if not equal(mine, other, tolerance):
            return f"gradient of {name} {show(mine)}, the clean call: {show(other)}"
    return ""


def equal(one: Tensor, other: Tensor, tolerance: float) -> bool:
    one = one.to_padded_tensor(0.0) if one.is_nested else one
    if one.shape != other.shape or one.device != other.device:
        return False
    if one.is_meta:
        return one.dtype == other.dtype
    one, other = one.double(), other.double()
    scale = max([1.0, *other[other.isfinite()].abs().tolist()])
    return torch.allclose(one, other, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


def tolerance_of(*values: Any) -> float:
    return max([TOLERANCE.get(v.dtype, 1e-9) for v in values if isinstance(v, Tensor)], default=1e-9)


# --- right by the definition -----------------------------------------------------------------------------------------


def by_definition(subject: Subject, call: Call) -> list[float] | None:
    """The unreduced losses by the oracle, or None where the definition does not cover the call."""
    taken = set(inspect.signature(subject.oracle.oracle).parameters)
    if "settings" in taken:  # those of another oracle, on which this one rests
        taken |= inspect.signature(subject.function).parameters.keys() - {*PER_CALL}
    settings = {name: value for name, value in call.named.items() if name in taken}
    weights = [v for n, v in call.named.items() if n in ("sample_weight", "weight") and n not in taken]
    numbers = [*call.positional.values(), *settings.values()]
    try:
        digits = min(320, math.log10(max(map(magnitude, numbers))))  # so many are lost beside 1
        with mp.workdps(40 + int(digits)):
            if weights:
                return weighted(subject, call, settings, weights[0])
            return [float(loss) for loss in subject.entries(tuple(call.positional.values()), settings)]
    except (ArithmeticError, ValueError, TypeError, IndexError, AttributeError):
        return None


def weighted(subject: Subject, call: Call, settings: dict[str, Any], weight: Tensor) -> list[float]:
    args = tuple(call.positional.values())
    each = [exact(float(w)) for w in weight.flatten().tolist()]
    present = [n for n, w in enumerate(each) if w]
    if subject.coupled and len(present) < len(each):
        rest = subject.entries(take(subject, args, present), settings)
        losses = dict(zip(present, rest, strict=True))
        return [float(w * losses.get(n, 0)) for n, w in enumerate(each)]
    found = subject.entries(args, settings)
    if not each or len(found) % len(each):
        raise ValueError("the weight does not fit")
    spread = [w for w in each for _ in range(len(found) // len(each))]
    return [float(w * loss) if w else 0.0 for w, loss in zip(spread, found, strict=True)]


def magnitude(value: Any) -> float:
    """How far a value is from 1, up or down: the largest entry, or one over the smallest."""
    if isinstance(value, Tensor):
        numbers = value.detach().double().flatten().tolist() if is_plain(value) else []
    else:
        numbers = [float(value)] if isinstance(value, int | float) else []
    sizes = [abs(number) for number in numbers if number]
    return max([1.0, *sizes, *(1 / size if size > 1e-308 else math.inf for size in sizes)])


def error_in(found: Outcome, expected: list[float] | None, clean: list[float | None], mutant: Any, eps: float) -> str:
    """Say what is wrong with an outcome, or "".

    Args:
        found: what came.
        expected: the unreduced losses by the definition; None where it has none.
        clean: those that the mutation must not touch; None for those that it may.
        mutant: the argument that was changed.
        eps: the precision of the computation.
    """
    if found.value is None:
        return str(found)
    values = found.value.double().flatten().tolist()
    if expected is None:
        undefined = not values or any(map(math.isnan, values))
        return "" if undefined else f"value {show(found.value)} where the definition has none"
    if len(values) != len(expected):
        return f"{len(values)} values, not {len(expected)}"
    largest = torch.finfo(found.value.dtype).max
    for mine, wanted, untouched in zip(values, expected, clean, strict=True):
        limit = wanted if abs(wanted) <= largest or math.isnan(wanted) else math.copysign(math.inf, wanted)
        if is_close(mine, limit, max(1e-9, 200 * eps)):
            continue
        if untouched is not None or not excused(mine, limit, mutant, eps):
            return f"value {show(found.value)}, by definition {[float(f'{e:.6g}') for e in expected[:6]]}"
    if magnitude(mutant) < huge(eps) and all(map(math.isfinite, values)):
        for name, gradient in found.gradients.items():
            if gradient.isnan().any():
                return f"value {show(found.value)}, gradient of {name} {show(gradient)}"
    return ""


def is_close(mine: float, wanted: float, tolerance: float) -> bool:
    if math.isnan(wanted):
        return math.isnan(mine)
    return mine == wanted or abs(mine - wanted) <= tolerance * max(1, abs(wanted))


def huge(eps: float) -> float:
    """Give a number beyond which the cube may overflow: double precision and float32 are told apart by ``eps``."""
    return 1e100 if eps < 1e-10 else 1e12


def excused(mine: float, wanted: float, mutant: Any, eps: float) -> bool:
    """Say whether an entry may differ: NaN stays NaN, large numbers round, and their products overflow."""
    numbers = mutant.double().flatten().tolist() if isinstance(mutant, Tensor) else [float(mutant)]
    if any(map(math.isnan, numbers)):
        return math.isnan(mine)
    size = magnitude(mutant)
    if size > huge(eps) and not math.isfinite(mine):
        return True
    squared = size * size if size * size * eps > 1 else size  # of two squares nothing is left beside 1
    return size == math.inf if math.isnan(wanted) else abs(mine - wanted) <= 100 * eps * squared
