"""What is right: the exact form of an exercise in float64, and what roundings of the arguments do to it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from ._cases import HALF, Case
from ._compare import ROUNDINGS, Wanted
from ._exercise import Exercise
from ._perform import derivatives, outputs

STEPS = 16  # an argument is moved by so many roundings, and the effect divided by them
PATTERNS = 4  # all its numbers up, or some up and some down
LARGEST_ARRIVING = 4.0
Tilt = tuple[tuple[int, ...], int, float]  # which arguments, by which pattern of signs, how far
Size = float | Callable[..., Any]


@dataclass(frozen=True)
class Exact:
    """The exact results of one case: values, and derivatives by order, argument and tensor."""

    values: list[Tensor]
    derivatives: list[list[list[Tensor]]]


class Reference:
    """The exact results of an exercise."""

    def __init__(self, task: Exercise) -> None:
        self.exact: Callable[..., Any] | None = task.exact
        self.how = task.performance
        self.result: dict[torch.dtype, torch.dtype] = task.said("RESULT", {})
        self.any_dtype, self.keeps = task.said("ANY_DTYPE", False), task.said("KEEPS_DTYPE", False)
        self.precision: torch.dtype | None = task.said("PRECISION", None)
        self.size: Size = task.said("size", task.said("SIZE", 0.0))
        self.slope_size: Size = task.said("slope_size", task.said("SLOPE_SIZE", 0.0))
        constant = task.said("ABSOLUTE", 0.0)
        self.absolute: Size = task.said("absolute", constant)
        self.slope_absolute: Size = task.said("slope_absolute", constant)
        self.known: dict[Any, Exact] = {}

    def values(self, case: Case) -> list[Wanted]:
        """What the value of a case has to be: one thing, or several where the function returns several."""
        dtype = self.result.get(case.dtype, case.dtype)
        dtypes, precision = self._dtypes(dtype), self._precision(dtype)
        beside, absolute = self._beside(self.size, case), self._beside(self.absolute, case)
        wanted = []
        for i, exact in enumerate(self.of(case).values):
            slack = _Slack(self, case, precision, (i,), absolute)
            may_be = dtypes if exact.is_floating_point() else (_name(exact.dtype),)
            known = slack.touched, slack.unknown, self.how.numbers
            wanted.append(Wanted(exact.double(), may_be, precision, beside, slack, *known))
        return wanted

    def gradients(self, case: Case, step: int) -> list[list[Wanted]]:
        """What the derivatives of a case have to be, by argument and tensor."""
        dtypes, precision = (_name(case.dtype),), self._precision(case.dtype)
        beside = 0.0 if step else LARGEST_ARRIVING * self._beside(self.slope_size, case)
        absolute = LARGEST_ARRIVING * self._beside(self.slope_absolute, case)

        def of(exact: Tensor, *place: int) -> Wanted:
            slack = _Slack(self, case, precision, (step, *place), absolute)
            return Wanted(exact, dtypes, precision, beside, slack, slack.touched, slack.unknown)

        found = enumerate(self.of(case).derivatives[step])
        return [[of(exact, position, i) for i, exact in enumerate(tensors)] for position, tensors in found]

    def of(self, case: Case, tilt: Tilt | None = None, given: list[Any] | None = None) -> Exact:
        """The exact results of a case: of its arguments as they are, with some rounded another way, or of others."""
        key = (id(case), tilt, id(given))
        if key not in self.known:
            args = [_exactly(argument) for argument in given or case.args]
            if tilt:
                args = _moved(args, tilt)
            leaves = self.how.leaves(case, args)
            assert self.exact
            value = self.exact(*args)
            found = derivatives(outputs(value), leaves, case.seed, case.order) if leaves else []
            self.known[key] = Exact(
                [_held(part) for part in (value if isinstance(value, list | tuple) else [value])],
                [
                    [
                        [torch.zeros_like(leaf) if g is None else g.detach() for g, leaf in zip(found, of, strict=True)]
                        for found, of in zip(step, leaves, strict=True)
                    ]
                    for step in found
                ],
            )
        return self.known[key]

    def _dtypes(self, dtype: torch.dtype) -> tuple[str, ...]:
        """What a result may have: half precision may come back as float32 unless the statement says that it is kept."""
        if self.any_dtype:
            return "float32", "float64"
        return (_name(dtype), "float32") if dtype in HALF and not self.keeps else (_name(dtype),)

    def _precision(self, dtype: torch.dtype) -> torch.dtype:
        coarser = self.precision and torch.finfo(self.precision).eps > torch.finfo(dtype).eps
        return self.precision if self.precision and coarser else dtype

    def _beside(self, size: Size, case: Case) -> Any:
        return size if isinstance(size, int | float) else size(*(_exactly(argument) for argument in case.args))


class _Slack:
    """How far one part of the exact results moves when the arguments are rounded another way."""

    def __init__(
        self,
        reference: Reference,
        case: Case,
        precision: torch.dtype,
        place: tuple[int, ...],
        absolute: Any,
    ) -> None:
        self.reference, self.case, self.precision = reference, case, precision
        self.place, self.absolute = place, absolute

    def part(self, found: Exact) -> Tensor:
        """This part of all results: a value, or a derivative by order, argument and tensor."""
        if len(self.place) == 1:
            return found.values[self.place[0]].double()
        step, position, i = self.place
        return found.derivatives[step][position][i]

    def __call__(self) -> Tensor:
        exact = self.part(self.reference.of(self.case))
        if self.place[1:] and self.place[0] > 0:  # a second derivative by autograd: is it there, is it the right one?
            largest = exact.abs().max().item() if exact.numel() else 0.0
            rough: Tensor = 1e-2 * exact.abs() + 1e-6 * largest + self.absolute
            return rough
        total = torch.zeros_like(exact)
        eps = torch.finfo(self.precision).eps
        single = torch.finfo(torch.float32).eps  # torch keeps a number of Python in float32 beside half precision
        numbers = [i for i, argument in enumerate(self.case.args) if isinstance(argument, float)]
        tensors = [i for i, argument in enumerate(self.case.args) if isinstance(argument, Tensor | list)]
        for group in (tensors, *([i] for i in tensors[1:]), *([i] for i in numbers)):
            if not group:
                continue
            step = STEPS * (min(eps, single) if group[0] in numbers else eps)
            tilts: list[Tilt] = [(tuple(group), pattern, step) for pattern in range(PATTERNS)]
            moved = [self.part(self.reference.of(self.case, tilt)) for tilt in tilts]
            total += torch.stack([(m - exact).abs().nan_to_num(0.0, 0.0) for m in moved]).amax(0)
        slack: Tensor = ROUNDINGS / STEPS * total + self.absolute
        return slack

    @property
    def unknown(self) -> bool:
        """Whether it is an infinity that may be noticed."""
        tensors = [argument for argument in self.case.args if isinstance(argument, Tensor)]
        return self.case.whole is not None and any(bool(tensor.isinf().any()) for tensor in tensors)

    @cached_property
    def touched(self) -> Tensor | None:
        """Where a NaN or an infinity in an argument may be noticed."""
        if self.case.whole is None:
            return None
        whole, marked = (self.reference.of(self.case, given=args) for args in (self.case.whole, self.case.marked))
        broken = self.reference.of(self.case)
        part = self.part(whole)
        noticed = (self.part(marked) != part) | (self.part(broken) != part)
        for value, *others in zip(whole.values, marked.values, broken.values, strict=True):
            if value.shape == part.shape:  # the slope of an entry that is no number is nobody's business
                noticed |= torch.stack([other != value for other in others]).any(0)
        for before, argument in zip(self.case.whole, self.case.marked or (), strict=True):
            if isinstance(argument, Tensor) and argument.shape == part.shape and argument.is_floating_point():
                noticed |= argument.isnan() & ~before.isnan()  # a form may take NaN for 0 at its own place
        return noticed


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _held(part: Tensor | float) -> Tensor:
    return part.detach() if isinstance(part, Tensor) else torch.tensor(part, dtype=torch.double)


def _exactly(argument: Any) -> Any:
    """Copy an argument in float64."""
    if isinstance(argument, nn.Module):
        return copy.deepcopy(argument).double()
    if isinstance(argument, list):
        return [_exactly(each) for each in argument]
    if isinstance(argument, Tensor) and argument.is_floating_point():
        return argument.detach().double().clone()
    return copy.deepcopy(argument)


def _moved(args: list[Any], tilt: Tilt) -> list[Any]:
    """Move the numbers of some arguments a little, some up and some down; what is equal stays equal."""
    positions, pattern, step = tilt
    others = [a.abs().flatten() for i, a in enumerate(args) if i not in positions and _has_numbers(a)]
    still = torch.cat(others) if others else None

    def move(argument: Any) -> Any:
        if isinstance(argument, list):
            return [move(each) for each in argument]
        if isinstance(argument, float):
            return argument * (1 + step * (-1) ** pattern)
        if not _has_numbers(argument):
            return argument
        bits = argument.abs().contiguous().view(torch.int64) * 6364136223846793005 + pattern * 1442695040888963407
        up = torch.ones_like(argument) if pattern == 0 else (((bits >> 41) & 1) * 2 - 1).double()
        moved = argument * (1 + step * up)
        return moved if still is None else torch.where(torch.isin(argument.abs(), still), argument, moved)

    return [move(argument) if i in positions else argument for i, argument in enumerate(args)]


def _has_numbers(argument: Any) -> bool:
    return isinstance(argument, Tensor) and argument.is_floating_point()
