"""Refuse a wrong call early: every message names the argument, what it takes and what came."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_forced = False


@contextmanager
def check_values() -> Iterator[None]:
    """Check the values of arguments everywhere, at the price of a device synchronisation.

    Class indices out of range, probabilities outside [0, 1], targets that are not -1 or 1 and the like are
    always refused on CPU in eager mode. On other devices, under ``torch.compile`` and inside ``torch.func``
    transforms the check would have to wait for the data, so there it runs only inside this context.
    A compiled function must be compiled inside the context too; it then raises ``RuntimeError`` when it runs.
    The switch is one per process, not per thread.

    Example:
        >>> import torch, lossbook
        >>> from lossbook.functional import cross_entropy
        >>> with lossbook.check_values():
        ...     print(cross_entropy(torch.zeros(2, 3), torch.tensor([0, 2])))
        tensor(1.0986)
    """
    global _forced
    before, _forced = _forced, True
    try:
        yield
    finally:
        _forced = before


def values_are_checked(tensor: Tensor) -> bool:
    """Say whether the values of this tensor are checked: where looking is free, or asked for."""
    transformed = torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()
    return _forced or (not transformed and tensor.device.type == "cpu")


def values(
    name: str,
    tensor: Tensor,
    valid: Callable[[Tensor], Tensor],
    takes: str | Callable[[], str],
    *,
    interval: bool = False,
) -> None:
    """Refuse a tensor in which ``valid`` is false anywhere, if it is looked at.

    ``interval`` says that the valid values are an interval, so that the smallest and the largest entry decide.
    ``takes`` is a function where it names a size, which a compiler would take for a constant once it is written down.
    """
    if not values_are_checked(tensor):
        return
    takes = takes() if callable(takes) else takes
    if torch.compiler.is_compiling():
        torch._assert_async(valid(tensor).all(), f"{name} must be {takes}")
        return
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    tensor = tensor.detach()
    if interval and tensor.numel() and all(valid(extreme) for extreme in tensor.aminmax()):
        return
    wrong = ~valid(tensor)
    if wrong.any():
        where = tuple(wrong.nonzero()[0].tolist())
        raise ValueError(f"{name} must be {takes}; got {tensor[where].item():g} at index {where}")


def tensors(**named: Tensor) -> None:
    """Refuse what is not a tensor, and tensors on different devices."""
    for name, tensor in named.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{name} must be a torch.Tensor; got {type(tensor).__name__}")
    first, *others = named.values()
    if any(other.device != first.device for other in others):
        raise ValueError("devices must match: " + _join((n, t.device) for n, t in named.items()))


def floating(**named: Tensor) -> None:
    """Refuse what is not a real floating-point tensor."""
    tensors(**named)
    for name, tensor in named.items():
        if not tensor.dtype.is_floating_point:
            raise TypeError(f"{name} must be a floating-point tensor, for instance {name}.float(); got {tensor.dtype}")


def same_shape(**named: Tensor) -> None:
    """Refuse shapes that differ: nothing is ever broadcast."""
    first, *others = named.values()
    if any(
        other.shape != first.shape for other in others
    ):  # pairwise: a set would hash sizes, and fix them for a compiler
        raise ValueError("shapes must match: " + _join((n, tuple(t.shape)) for n, t in named.items()))


def broadcastable(name: str, tensor: Tensor, shape: tuple[int, ...], meaning: str) -> None:
    """Refuse a tensor that does not expand to ``shape``."""
    dims = tuple(tensor.shape)
    if len(dims) > len(shape) or any(d not in (1, s) for d, s in zip(dims[::-1], shape[::-1], strict=False)):
        raise ValueError(f"{name} must broadcast, aligned at the last axis, to {tuple(shape)}, {meaning}; got {dims}")


def shape(name: str, tensor: Tensor, expected: tuple[int, ...], meaning: str) -> None:
    """Refuse a tensor whose shape is not the expected one."""
    if tuple(tensor.shape) != tuple(expected):
        raise ValueError(f"{name} must have shape {tuple(expected)}, {meaning}; got {tuple(tensor.shape)}")


def normalizer(normalizer: Tensor | float, *, reduction: str) -> None:
    """Refuse a normalizer that nothing would use, and what is not a number above 0."""
    if reduction in ("none", "sum"):
        raise ValueError(f'normalizer replaces the count of "mean"; got reduction={reduction!r}')
    if isinstance(normalizer, Tensor):
        if normalizer.dim() != 0:
            raise ValueError(f"normalizer must be a number or a 0-d tensor; got shape {tuple(normalizer.shape)}")
        if normalizer.dtype == torch.bool or normalizer.is_complex():
            raise TypeError(f"normalizer must hold a real number; got {normalizer.dtype}")
        values("normalizer", normalizer, lambda n: (n > 0) & n.isfinite(), "finite and greater than 0")
    else:
        positive(normalizer=normalizer)


def choice(*options: Any, **named: Any) -> None:
    """Refuse a value that is not one of ``options``."""
    for name, value in named.items():
        if not any(value is option or (type(value) is type(option) and value == option) for option in options):
            raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}; got {value!r}")


def flag(**named: Any) -> None:
    """Refuse what is not True or False."""
    for name, value in named.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False; got {value!r}")


def integer(**named: Any) -> None:
    """Refuse what is not a whole number."""
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an int; got {value!r}")


def index(**named: Any) -> None:
    """Refuse what is not a whole number of at least 0."""
    integer(**named)
    not_negative(**named)


def number(**named: Any) -> None:
    """Refuse what is not a finite real number."""
    for name, value in named.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} must be a number; got {value!r}")
        if not -math.inf < value < math.inf:  # math.isfinite takes no symbolic number of torch.compile
            raise ValueError(f"{name} must be finite; got {value!r}")


def positive(**named: Any) -> None:
    """Refuse what is not a finite number above 0."""
    number(**named)
    for name, value in named.items():
        if value <= 0:
            raise ValueError(f"{name} must be greater than 0; got {value!r}")


def norm(**named: Any) -> None:
    """Refuse what is not the p of a p-norm: a number above 0, or infinity."""
    for name, value in named.items():
        if value != math.inf:
            positive(**{name: value})


def between(low: float, high: float, **named: Any) -> None:
    """Refuse what is not a number in [low, high]."""
    number(**named)
    for name, value in named.items():
        if not low <= value <= high:
            raise ValueError(f"{name} must be between {low:g} and {high:g}; got {value!r}")


def inside(low: float, high: float, **named: Any) -> None:
    """Refuse what is not a number in (low, high), both ends excluded."""
    number(**named)
    for name, value in named.items():
        if not low < value < high:
            raise ValueError(f"{name} must be between {low:g} and {high:g}, both excluded; got {value!r}")


def not_negative(**named: Any) -> None:
    """Refuse what is not a finite number of at least 0."""
    number(**named)
    for name, value in named.items():
        if value < 0:
            raise ValueError(f"{name} must be at least 0; got {value!r}")


def scalar(**named: Any) -> None:
    """Refuse what is not a finite number, or a 0-d floating-point tensor of one."""
    for name, value in named.items():
        if isinstance(value, Tensor):
            _one_number(name, value)
            values(name, value, torch.isfinite, "finite")
        else:
            number(**{name: value})


def positive_scalar(**named: Any) -> None:
    """Refuse what is not a finite number above 0, or a 0-d floating-point tensor of one."""
    for name, value in named.items():
        if isinstance(value, Tensor):
            _one_number(name, value)
            values(name, value, lambda v: (v > 0) & v.isfinite(), "finite and greater than 0")
        else:
            positive(**{name: value})


def _one_number(name: str, tensor: Tensor) -> None:
    floating(**{name: tensor})
    shape(name, tensor, (), "that of one number")


def _join(pairs: Iterator[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in pairs)
