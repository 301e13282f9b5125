"""The arguments of an exercise: what each one is, and how one is drawn."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

Drawn = dict[str, Any]  # the arguments drawn so far, by name
Draw = Callable[[tuple[int, ...], float, Drawn], Any]
ANY = "..."  # an argument of any shape


@dataclass(frozen=True)
class Kind:
    """What an argument is.

    Attributes:
        draw: gives one of a shape, at a scale, beside the arguments that were drawn before it.
        axes: names of its axes, or ``("...",)`` for any shape; a number has none.
        number: it is a number of Python, drawn before all tensors.
        fill: NaN and infinities may come with it.
        any: any number will do, so that a failing case can be told with simpler ones.
        of: the axis whose size it depends on.
        ignored: -100 in it is ignored.
        early: drawn before the tensors that are not, because they depend on it.
        single: float32 where the other arguments are in half precision.
    """

    draw: Draw
    axes: tuple[str, ...] = ()
    number: bool = False
    fill: bool = False
    any: bool = False
    of: str = ""
    ignored: bool = False
    early: bool = False
    single: bool = False


def normal(shape: tuple[int, ...], scale: float) -> Tensor:
    """Draw numbers around 0, in float64."""
    return scale * torch.randn(shape, dtype=torch.double)


def plant(values: Tensor, *wanted: float) -> Tensor:
    """Put numbers that decide something, such as 0, at random places of a tensor that has room for them."""
    flat = values.reshape(-1)
    for place, number in zip(torch.randperm(flat.numel())[: flat.numel() // 2].tolist(), wanted, strict=False):
        flat[place] = number
    return flat.reshape(values.shape)


def real(*axes: str) -> Kind:
    """Any number; 0 is among them, and at scale 1 what lies on and beyond each number that the function takes."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        limits = [x for x in drawn.values() if isinstance(x, float)] if scale == 1 else []
        beyond = [factor * x for factor in (1.5, -1.5, 1.0, -1.0) for x in limits]
        return plant(normal(shape, scale), 0.0, *beyond)

    return Kind(draw, axes, fill=True, any=True)


def near(other: str, *axes: str, hits: bool = True) -> Kind:
    """What is compared with another argument, of the same axes; with ``hits``, about a third are exact hits."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        away = normal(shape, scale)
        values: Tensor = drawn[other] + (away * (torch.rand(shape) < 0.7) if hits else away)
        return values

    return Kind(draw, axes, fill=True, any=True)


def positive(*axes: str, zero: bool = False) -> Kind:
    """Greater than 0, over two orders of magnitude; with ``zero``, 0 is among them."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        values = scale * normal(shape, 1.0).exp()
        return plant(values, 0.0, 0.0) if zero else values

    return Kind(draw, axes)


def between(low: float, high: float, *axes: str) -> Kind:
    """Between two numbers of one sign, as often near the one as near the other."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        return low * (high / low) ** torch.rand(shape, dtype=torch.double)

    return Kind(draw, axes)


def share(*axes: str, ends: bool = True) -> Kind:
    """Between 0 and 1, with 0 and 1 among them unless ``ends`` is false."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        values = torch.rand(shape, dtype=torch.double) * 0.98 + 0.01
        return plant(values, 0.0, 1.0) if ends else values

    return Kind(draw, axes)


def one_of(*values: float, axes: tuple[str, ...]) -> Kind:
    """One of a few numbers, such as the labels 0 and 1; each occurs where there is room."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        numbers = torch.tensor(values, dtype=torch.double)
        return plant(numbers[torch.randint(len(values), shape)], *values)

    return Kind(draw, axes, early=True)


def counts(*axes: str) -> Kind:
    """Whole numbers from 0, as floats: small ones, and some of hundreds and thousands."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        small = torch.randint(9, shape).double()
        large = torch.where(torch.rand(shape) < 0.2, torch.randint(100, 3000, shape), small)
        return plant(large.double(), 0.0, 1.0, 2.0)

    return Kind(draw, axes)


def log_shares(*axes: str, along: str) -> Kind:
    """Log-probabilities along one of the axes, or along the dimension that an argument gives."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        return normal(shape, scale).log_softmax(drawn[along] if along in drawn else axes.index(along))

    return Kind(draw, axes, fill=True, of=along if along in axes else "")


def shares(*axes: str, along: str, zeros: bool = True) -> Kind:
    """Probabilities along one of the axes, or along the dimension that an argument gives; some are 0 with ``zeros``."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        dim = drawn[along] if along in drawn else axes.index(along)
        logits = normal(shape, 2.0)
        if zeros:
            closed = (torch.rand(shape) < 0.2) & (logits < logits.amax(dim, keepdim=True))
            logits = logits.masked_fill(closed, -math.inf)
        return logits.softmax(dim)

    return Kind(draw, axes, of=along if along in axes else "", early=True)


def left_out(kind: Kind, by: str, *rubbish: float, where: Callable[[Tensor], Tensor] = torch.logical_not) -> Kind:
    """What is of no account where a mask is false, or ``where`` says so of another argument: rubbish stands there."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        values: Tensor = kind.draw(shape, scale, drawn)
        out = where(drawn[by])
        out = out[(..., *[None] * (values.dim() - out.dim()))].expand_as(values)
        if values.dim() and torch.rand(()) < 0.2:
            return values  # nothing strange there
        for number in rubbish:
            values = values.masked_fill(out & (torch.rand(shape) < 0.7), number)
        return values

    return replace(kind, draw=draw, any=False, early=False)


def index(*axes: str, of: str, ignored: bool = False) -> Kind:
    """Indices of an axis that another argument has; with ``ignored``, -100 is among them."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        values = torch.randint(drawn["sizes"][of], shape)
        left_out = torch.rand(shape) < 0.3
        if left_out.dim() and len(left_out) > 1:
            left_out[0] = False
        return values.masked_fill(left_out, -100) if ignored else values

    return Kind(draw, axes, of=of, ignored=ignored, early=True)


def mask(*axes: str) -> Kind:
    """True and False, each at least once where there is room."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Tensor:
        return plant((torch.rand(shape) < 0.6).double(), 1.0, 0.0).bool()

    return Kind(draw, axes, early=True)


def number(low: float, high: float, *also: float, evenly: bool = False, whole: bool = False) -> Kind:
    """A number between two limits, as often near the one as near the other, or a named one; ``whole``: an int."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> float:
        part = torch.rand((), dtype=torch.double).item()
        value = low + (high - low) * part if evenly or low <= 0 else low * (high / low) ** part
        if also and torch.rand(()) < 0.3:
            value = float(also[int(torch.randint(len(also), ()))])
        return round(value) if whole else value

    return Kind(draw, number=True, any=low > 0 and not whole)


def above(low: str) -> Kind:
    """A number above another one, by 1 to 10."""
    return Kind(lambda shape, scale, drawn: drawn[low] + 1 + 9 * torch.rand(()).item(), number=True)


def inside(low: str, high: str, *axes: str) -> Kind:
    """A number, or numbers, between two others."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> Any:
        part = 0.02 + 0.96 * torch.rand(shape, dtype=torch.double)
        values = drawn[low] + (drawn[high] - drawn[low]) * part
        return values if axes else values.item()

    return Kind(draw, axes, number=not axes)


def size_of(axis: str) -> Kind:
    """The size of an axis, as an int."""
    return Kind(lambda shape, scale, drawn: drawn["sizes"][axis], number=True, of=axis)


def dim_of() -> Kind:
    """A dimension of the arguments of any shape, counted from the front or from the end."""

    def draw(shape: tuple[int, ...], scale: float, drawn: Drawn) -> int:
        wanted, rank = drawn["sizes"].get("dim"), len(drawn["sizes"][ANY])
        return int(torch.randint(-rank, rank, ())) if wanted is None else wanted

    return Kind(draw, number=True, of=ANY)
