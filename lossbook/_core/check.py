"""Refuse a wrong call early: every message names the argument, what it takes and what came."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.masked import MaskedTensor

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
    """Say whether the values of this tensor are checked: where looking is free, or asked for, and there are some."""
    if _transformed():
        return _forced
    return _has_values(tensor) and (_forced or tensor.is_cpu)


def looking_is_free(tensor: Tensor) -> bool:
    """Say whether code may branch on the values of this tensor: a compiler and a transform cannot, even if asked."""
    return not _transformed() and tensor.is_cpu and _has_values(tensor)


def in_parts(tensor: Tensor) -> str | None:
    """Give the way to ordinary tensors from one whose entries lie in several places: nested or distributed."""
    if tensor.is_nested:
        return "{0}.values(), the entries without their nesting"
    return "{0}.full_tensor() or {0}.to_local()" if hasattr(tensor, "device_mesh") else None


def _transformed() -> bool:
    return torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active()


def _has_values(tensor: Tensor) -> bool:
    """Say whether there is something to look at: not in a fake, functional or distributed tensor, nor in a trace."""
    own = type(tensor).__torch_dispatch__ is not Tensor.__torch_dispatch__
    return not (tensor.is_meta or own or torch._C._len_torch_dispatch_stack())


def values(
    name: str,
    tensor: Tensor,
    valid: Callable[[Tensor], Tensor],
    takes: str | Callable[[], str],
    *,
    between: tuple[float, float] | None = None,
) -> None:
    """Refuse a tensor in which ``valid`` is false anywhere, if it is looked at.

    ``between`` gives the ends of the valid values where these are an interval: two entries decide then.
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
    if between and tensor.numel():
        smallest, largest = tensor.aminmax()
        if between[0] <= smallest.item() and largest.item() <= between[1]:
            return
    wrong = ~valid(tensor)
    if wrong.any():
        where = tuple(wrong.nonzero()[0].tolist())
        raise ValueError(f"{name} must be {takes}; got {tensor[where].item():g} at index {where}")


FLOATS = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def tensor(name: str, value: Any) -> None:
    """Refuse what is not a tensor that lies in memory entry by entry."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor; got {type(value).__name__}")
    if isinstance(value, MaskedTensor):
        raise TypeError(
            f"{name} must be an ordinary tensor, for instance {name}.get_data() with sample_weight={name}.get_mask(); "
            "got a MaskedTensor"
        )
    if value.layout != torch.strided or value.is_quantized or value.is_nested:
        _refuse_layout(name, value)


def same_device(**named: Tensor) -> None:
    """Refuse tensors on different devices."""
    first, *others = named.values()
    if any(other.device != first.device for other in others):
        raise ValueError("devices must match: " + _join((n, t.device) for n, t in named.items()))


def _refuse_layout(name: str, tensor: Tensor) -> None:
    """Name the way to an ordinary tensor that loses nothing; a jagged nested tensor may pass."""
    if tensor.layout == torch.jagged:
        return
    if tensor.is_quantized:
        kind, way = "a quantized tensor", f"{name}.dequantize()"
    elif tensor.is_nested:
        kind, way = (
            "a nested tensor",
            f"torch.nested.to_padded_tensor({name}, 0.0) and a sample_weight of 0 for padding",
        )
    else:
        kind, way = f"layout {tensor.layout}", f"{name}.to_dense()"
    raise TypeError(f"{name} must be an ordinary (strided) tensor, for instance {way}; got {kind}")


def same_shape(**named: Tensor) -> None:
    """Refuse shapes that differ: nothing is ever broadcast."""
    first, *others = named.values()
    if any(other.shape != first.shape for other in others):  # a set would hash sizes, and fix them for a compiler
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


def _join(pairs: Iterator[tuple[str, object]]) -> str:
    return ", ".join(f"{name} {value}" for name, value in pairs)
