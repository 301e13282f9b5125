"""Published solutions, spoiled: a judge that is worth something refuses every spoil that breaks the statement."""

import math
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lossbook.exercises._cases import HALF, SCALES, WIDE
from lossbook.exercises._draw import ANY
from lossbook.exercises._exercise import Exercise
from lossbook.exercises._perform import outputs

Answer = Callable[..., Any]


def tensors(args: tuple[Any, ...]) -> list[Tensor]:
    return [a for a in args if isinstance(a, Tensor)]


def floats(args: tuple[Any, ...]) -> list[Tensor]:
    found = []
    for argument in args:
        if isinstance(argument, nn.Module):
            found += list(argument.parameters())
        elif isinstance(argument, list):
            found += floats(tuple(argument))
        elif isinstance(argument, Tensor) and argument.is_floating_point():
            found.append(argument)
    return found


def each(result: Any, change: Callable[[Tensor], Any]) -> Any:
    """Change the floating parts of a result, also where they are numbers of Python."""
    if isinstance(result, int | float):
        changed = change(torch.tensor(result, dtype=torch.double))
        return changed.item() if type(changed) is Tensor and changed.numel() == 1 else changed
    if isinstance(result, list | tuple):
        return type(result)(each(part, change) for part in result)
    return change(result) if isinstance(result, Tensor) and result.is_floating_point() else result


def off(result: Tensor) -> Tensor:
    """A result that is wrong wherever it is a number, and hides what is not one; nothing has another shape."""
    step = 16 if result.dtype in (torch.float16, torch.bfloat16) else 1  # 1 is within the rounding of a bfloat16 of 200
    return result.nan_to_num(0.0, 0.0, 0.0) * 1.5 + step if result.numel() else result.new_zeros(7)


def wrong_if(solution: Answer, condition: Callable[..., bool]) -> Answer:
    def spoiled(*args: Any) -> Any:
        hit = condition(*args)
        return each(solution(*args), off) if hit else solution(*args)

    return spoiled


class IgnoresWhatArrives(torch.autograd.Function):
    """The identity, whose gradient is as if a sum came after it."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, arriving: Tensor) -> Tensor:
        return torch.ones_like(arriving)


class Lies(Tensor):
    """A subclass whose comparisons and numbers could say anything."""


def spoils(task: Exercise) -> Iterator[tuple[str, Answer]]:
    """Spoil a solution in every way that breaks the exercise's statement."""
    good = task.solved
    if task.trains:
        yield from _trained(task, good)
        return
    yield from _results(task, good)
    if any(map(tensors, (case.args for case in task.cases()[:1]))):
        yield from _in_place(good)
    if any(kind.axes for kind in task.said("TAKES", {}).values()):
        yield from _draws(task, good)
    if task.said("GRADIENTS", ()):
        yield from _gradients(task, good)
    for word in task.without:
        yield f"uses {word}", _then(good, USES[word])


def _results(task: Exercise, good: Answer) -> Iterator[tuple[str, Answer]]:
    numbers = task.kind == "predict"  # of Python, which have no dtype
    yield "complex", lambda *args: each(good(*args), lambda r: r.to(torch.complex128))
    if not numbers:
        yield "an integer", lambda *args: each(good(*args), lambda r: r.nan_to_num().long())
        yield "a list of numbers", lambda *args: each(good(*args), lambda r: r.tolist())
    yield "an array", lambda *args: each(good(*args), lambda r: r.detach().numpy())
    yield "a subclass", lambda *args: each(good(*args), lambda r: r.as_subclass(Lies))
    yield "nothing", lambda *args: [good(*args), None][1]
    yield "a generator", lambda *args: (part for part in [good(*args)])
    if not hasattr(task.module, "run"):
        yield "one axis more", lambda *args: each(good(*args), lambda r: r.unsqueeze(0))
    yield "a half of it", lambda *args: each(good(*args), lambda r: r / 2 + 0.125)
    yield "noise", lambda *args: each(good(*args), lambda r: r * (1 + 1e-10 * torch.randn_like(r)))
    yield "noise of nobody's", lambda *args: each(good(*args), lambda r: r + random.Random().gauss(0, 1e-3))
    state = {"calls": 0}

    def every_fifth(*args: Any) -> Any:
        state["calls"] += 1
        return each(good(*args), off) if state["calls"] % 5 == 0 else good(*args)

    yield "every fifth time", every_fifth
    if not numbers and not task.said("ANY_DTYPE", False) and torch.float32 in task.said("DTYPES", WIDE):
        yield "float64 whatever came", lambda *args: each(good(*args), lambda r: r.double())
    if not task.said("ANY_DTYPE", False) and not task.said("RESULT", {}).get(torch.float16):
        yield "float32 whatever came", lambda *args: each(good(*args), lambda r: r.float())
    if not task.said("PRECISION", None):
        yield (
            "float32 inside",
            lambda *args: (
                each(good(*args), lambda r: r.float().to(r.dtype))
                if torch.float64 in {t.dtype for t in floats(args)}
                else each(good(*args), off)
            ),
        )


def _trained(task: Exercise, good: Answer) -> Iterator[tuple[str, Answer]]:
    """Spoil what trains, or the loss that something is trained with."""
    choose = task.kind == "choose"
    good = good if choose else _once(good)
    result = lambda change: lambda *args: each(_as_floats(good(*args)), change)  # noqa: E731
    yield "nothing", lambda *args: [good(*args), None][1]
    yield "a list of numbers", result(Tensor.tolist)
    yield "an array", result(lambda r: r.detach().numpy())
    yield "a generator", lambda *args: (part for part in [good(*args)])
    yield "a NaN", result(lambda r: r + math.nan)
    yield "nothing learned", result(lambda r: 0.0 * r)
    yield "complex", result(lambda r: r.to(torch.complex128))
    yield "the opposite", result(lambda r: -r)
    yield "an error", lambda *args: good(*args) / None
    yield "two results", lambda *args: (good(*args), good(*args))
    yield "without a call", lambda *args: good
    if choose:
        yield "without a graph", result(Tensor.detach)
        yield "no reduction", lambda output, target: good(output, target).expand(2)
        yield "targets forgotten", lambda output, target: good(output, torch.zeros_like(target))
        yield "targets of others", lambda output, target: good(output, target.flip(0))
        yield "the output is sought", lambda output, target: output.double().square().mean() + 0 * good(output, target)
    else:
        yield "an infinity", result(lambda r: r + math.inf)
        yield "one axis more", result(lambda r: r.unsqueeze(0))
        yield "a constant", result(lambda r: r.mean(0, keepdim=True).expand_as(r).clone())
        yield "of others", result(lambda r: r.roll(1, 0))
        yield "noise", result(lambda r: r + 3 * (r.std() + 1) * torch.randn_like(r))
        yield "the first only", result(lambda r: r[:1])
    yield from _in_place(good)
    for name in ("switches gradients off", "sets the default dtype"):
        yield name, _then(good, STATE[name])


def _as_floats(result: Any) -> Any:
    """Classes as numbers that can be spoiled."""
    return result.double() if isinstance(result, Tensor) and not result.is_floating_point() else result


def _once(good: Answer) -> Answer:
    """Train once for each case: what is spoiled is the result."""
    known: dict[Any, Any] = {}

    def remembered(*args: Any) -> Any:
        case = tuple(float(t.double().nan_to_num().sum()) for t in floats(args))
        if case not in known:
            known[case] = good(*args)
        return each(known[case], Tensor.clone)

    return remembered


def _in_place(good: Answer) -> Iterator[tuple[str, Answer]]:
    numbers = lambda args: [t.data for t in [*floats(args), *tensors(args)] if t.dtype != torch.bool]  # noqa: E731
    yield "adds 1 to its arguments", lambda *args: [good(*args), [t.add_(1) for t in numbers(args)]][0]
    yield "sets its arguments to 0", lambda *args: [good(*args), [t.zero_() for t in numbers(args)]][0]
    yield "changes them first", lambda *args: [[t.mul_(0) for t in numbers(args)], good(*args)][1]


def hostile(task: Exercise) -> Iterator[tuple[str, Answer]]:
    """Spoil a solution in ways that have nothing to do with what it computes."""
    good = task.solved
    yield "recursion", _recursive
    yield "SystemExit", lambda *args: sys.exit(0)
    yield "KeyboardInterrupt", _raises(KeyboardInterrupt)
    yield "an error that cannot be read", _raises(Unreadable)
    yield "ends the process", lambda *args: os._exit(0)
    for name, change in STATE.items():
        if not (task.trains and name == "seeds"):  # whoever trains may draw random numbers, and seed them
            yield name, _then(good, change)


def _draws(task: Exercise, good: Answer) -> Iterator[tuple[str, Answer]]:
    said, kinds = task.said, task.module.TAKES.values()
    axes = {axis for kind in kinds for axis in kind.axes}
    along = any(kind.of == ANY for kind in kinds)
    any_shape = any(kind.axes == (ANY,) for kind in kinds)
    ranks = said("RANKS", range(5)) if ANY in axes else ()
    if any_shape and not along:
        yield "shape ()", wrong_if(good, lambda *args: any(t.dim() == 0 for t in tensors(args)))
    if any_shape or ("N" in axes and said("LEAST", {}).get("N", 0) == 0):
        yield "nothing in it", _raises_if(good, lambda *args: any(t.numel() == 0 for t in tensors(args)))
    if 3 in ranks:
        yield "3 dimensions or more", wrong_if(good, lambda *args: any(t.dim() >= 3 for t in tensors(args)))
    if any_shape:
        for rank in (1, 2):
            yield f"{rank} dimensions", wrong_if(good, lambda *args, r=rank: any(t.dim() == r for t in tensors(args)))
    yield "one row", wrong_if(good, lambda *args: any(t.dim() and t.shape[0] == 1 for t in tensors(args)))
    yield "more than 1024", wrong_if(good, lambda *args: any(t.dim() and max(t.shape) > 1024 for t in tensors(args)))
    yield "not contiguous", wrong_if(good, lambda *args: not all(t.is_contiguous() for t in tensors(args)))
    dtypes = said("DTYPES", (*WIDE, *HALF)) if floats(tuple(task.cases()[0].args)) else ()
    for dtype in dtypes:
        yield str(dtype), wrong_if(good, lambda *args, d=dtype: any(t.dtype == d for t in floats(args)))
    if said("FILLED", [kind for kind in kinds if kind.fill]):
        yield "a NaN", wrong_if(good, lambda *args: any(t.isnan().any() for t in floats(args)))
        yield "an infinity", wrong_if(good, lambda *args: any(t.isinf().any() for t in floats(args)))
    scales, scaled = said("SCALES", SCALES), any(kind.any and kind.axes for kind in kinds)
    if scaled and max(scales) > 1e5:
        yield "large numbers", wrong_if(good, lambda *args: any((t.abs() > 1e5).any() for t in floats(args)))
    if scaled and min(scales) < 1e-5:
        small = lambda *args: any(t.numel() and (t.abs() < 1e-4).all() for t in floats(args))  # noqa: E731
        yield "small numbers", wrong_if(good, small)
    if any(kind.axes and kind.any for kind in kinds):
        yield "the clock", wrong_if(good, lambda *args: any((t > 1.7).any() and (t < -1.7).any() for t in floats(args)))
    if not said("PRECISION", None) and not said("ABSOLUTE", 0.0) and not said("SIZE", said("size", None)):
        small_off = lambda *args: each(good(*args), _small_entries_off)  # noqa: E731
        drawn = [case.args for case in task.cases() if case.label == "value"]
        if any(
            not torch.equal(m, r)
            for args in drawn
            for m, r in zip(outputs(small_off(*args)), outputs(good(*args)), strict=True)
        ):
            yield "1e-6 off where it is small", small_off


def _gradients(task: Exercise, good: Answer) -> Iterator[tuple[str, Answer]]:
    names = list(task.cases()[0].names)
    yield "without a graph", lambda *args: each(good(*args), Tensor.detach)
    yield "under no_grad", torch.no_grad()(good)
    yield "ignores what arrives", lambda *args: each(good(*args), IgnoresWhatArrives.apply)
    yield "half the gradient", lambda *args: each(good(*args), lambda r: 0.5 * r + 0.5 * r.detach())
    if len(task.said("GRADIENTS", ())) > 1 and "teacher" not in names:
        for name in task.said("GRADIENTS", ()):
            place = names.index(name)
            cut = lambda *args, p=place: good(*(a.detach() if i == p else a for i, a in enumerate(args)))  # noqa: E731
            yield f"no gradient for {name}", cut
    if task.said("ORDER", 1) > 1:
        yield "no second derivative", _straight(good)


def _straight(good: Answer) -> Answer:
    """The right value and the right slope, without a slope of its own."""

    def spoiled(x: Tensor, *rest: Any) -> Tensor:
        leaf = x.detach().clone().requires_grad_()
        value = good(leaf, *rest)
        (slope,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach() + slope * (x - x.detach())

    return spoiled


class Unreadable(BaseException):
    """An error whose text raises."""

    def __str__(self) -> str:
        raise ValueError


def _raises(error: type[BaseException]) -> Answer:
    def spoiled(*args: Any) -> Any:
        raise error

    return spoiled


def _raises_if(good: Answer, condition: Callable[..., bool]) -> Answer:
    def spoiled(*args: Any) -> Any:
        if condition(*args):
            raise IndexError("nothing there")
        return good(*args)

    return spoiled


def _recursive(*args: Any) -> Any:
    return _recursive(*args)


def _then(good: Answer, something: Callable[[], object]) -> Answer:
    def spoiled(*args: Any) -> Any:
        something()
        return good(*args)

    return spoiled


def _small_entries_off(result: Tensor) -> Tensor:
    if not result.numel():
        return result
    small = result.abs() < 0.01 * result.abs()[result.isfinite()].max() if result.isfinite().any() else result.abs() < 0
    return torch.where(small, result * (1 + 1e-6), result)


def _autograd() -> None:
    with torch.enable_grad():
        leaf = torch.ones((), requires_grad=True)
        torch.autograd.grad(leaf.square(), leaf)


def _lossbook() -> None:
    from lossbook.functional import mse_loss

    mse_loss(torch.ones(2), torch.zeros(2))


USES: dict[str, Callable[[], object]] = {
    "autograd": _autograd,
    "torch": lambda: torch.ones(2) + 1,
    "a loss of torch": lambda: torch.nn.L1Loss()(torch.ones(2), torch.zeros(2)),
    "a Jacobian": lambda: torch.ones(4000, 4000),
    "lossbook": _lossbook,
    "softmax": lambda: torch.nn.Softmax(dim=0)(torch.ones(2)),
    "log_softmax": lambda: torch.nn.functional.cross_entropy(torch.ones(1, 2), torch.tensor([0])),
    "logsumexp": lambda: torch.ones(2).logsumexp(0),
    "logsigmoid": lambda: torch.nn.functional.logsigmoid(torch.ones(2)),
    "softplus": lambda: torch.nn.Softplus()(torch.ones(2)),
    "tanh": lambda: torch.ones(2).tanh_(),
    "nll_loss": lambda: torch.nn.functional.nll_loss(torch.ones(1, 2), torch.tensor([0])),
    "a mask": lambda: torch.ones(2)[torch.tensor([True, False])],
}
STATE: dict[str, Callable[[], object]] = {
    "sets the default dtype": lambda: torch.set_default_dtype(torch.float64),
    "seeds": lambda: torch.manual_seed(0),
    "switches gradients off": lambda: torch.set_grad_enabled(not torch.is_grad_enabled()),
    "silences warnings": lambda: warnings.simplefilter("ignore"),
    "changes torch": lambda: setattr(torch, "equal", lambda *args: True),
    "changes a tensor's item": lambda: setattr(Tensor, "item", lambda self: 0.0),
    "changes the environment": lambda: os.environ.update(LOSSBOOK_SPOILED="1"),
}
