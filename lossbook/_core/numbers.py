"""Settings that are numbers: each check takes a name and a value, and returns the value as Python has it.

A number is whatever is one: of Python or NumPy, a tensor or an array of shape () or (1,). It comes back as an int or a
float.
"""

import math
import numbers
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from . import check

LARGEST_INT = 2**63 - 1
LARGEST = 3.4e38


def _plain(name: str, value: Any) -> Any:
    """Take a number out of a tensor, an array or a NumPy scalar that holds one."""
    if type(value) in (int, float, bool, str) or value is None or isinstance(value, type):
        return value
    if isinstance(value, Tensor):
        check.tensor(name, value)
        if torch.compiler.is_compiling() and value.dtype.is_floating_point:
            raise TypeError(
                f"{name} must be a number of Python under torch.compile, which reads no tensor; got a tensor"
            )
        if not torch.compiler.is_compiling() and torch._C._functorch.is_functorch_wrapped_tensor(value):
            raise TypeError(f"{name} must be a number; got a tensor that torch.func batches or differentiates")
        if value.requires_grad:
            raise TypeError(f"{name} is not learned, its gradient would be lost: give {name}.detach() or a number")
        if value.is_meta:
            raise ValueError(f"{name} must be a number; got a tensor on meta, which holds none")
    if tuple(getattr(value, "shape", (0,))) in ((), (1,)) and hasattr(value, "item"):
        value = value.item()
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral) else value


def _show(value: Any) -> str:
    text = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def flag(name: str, value: Any) -> Any:
    """Refuse what is not True or False."""
    value = _plain(name, value)
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False; got {_show(value)}")
    return value


def integer(name: str, value: Any) -> Any:
    """Refuse what is not a whole number of 64 bits."""
    value = _plain(name, value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int; got {_show(value)}")
    if not -LARGEST_INT <= value <= LARGEST_INT:
        raise ValueError(f"{name} must be an int of 64 bits; got {_show(value)}")
    return value


def index(name: str, value: Any) -> Any:
    """Refuse what is not a whole number of at least 0."""
    return not_negative(name, integer(name, value))


def size(name: str, value: Any) -> Any:
    """Refuse what is not a whole number above 0."""
    return positive(name, integer(name, value))


def number(name: str, value: Any) -> Any:
    """Refuse what is not a finite real number."""
    value = _plain(name, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number; got {_show(value)}")
    if isinstance(value, int) and not -LARGEST_INT <= value <= LARGEST_INT:
        try:
            value = float(value)
        except OverflowError:
            raise ValueError(f"{name} must be a number that a float can hold; got {_show(value)}") from None
    if not -math.inf < value < math.inf:  # math.isfinite takes no symbolic number of torch.compile
        raise ValueError(f"{name} must be finite; got {value!r}")
    if abs(value) > LARGEST:
        raise ValueError(f"{name} must be of a size that float32 can hold, at most {LARGEST}; got {value!r}")
    return value


def positive(name: str, value: Any) -> Any:
    """Refuse what is not a finite number above 0."""
    value = number(name, value)
    if value <= 0:
        raise ValueError(f"{name} must be greater than 0; got {value!r}")
    return value


def not_negative(name: str, value: Any) -> Any:
    """Refuse what is not a finite number of at least 0."""
    value = number(name, value)
    if value < 0:
        raise ValueError(f"{name} must be at least 0; got {value!r}")
    return value


def share(name: str, value: Any) -> Any:
    """Refuse what is not a number in [0, 1]."""
    value = number(name, value)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} must be between 0 and 1; got {value!r}")
    return value


def open_share(name: str, value: Any) -> Any:
    """Refuse what is not a number in (0, 1), both ends excluded."""
    value = number(name, value)
    if not 0 < value < 1:
        raise ValueError(f"{name} must be between 0 and 1, both excluded; got {value!r}")
    return value


def norm(name: str, value: Any) -> Any:
    """Refuse what is not the p of a p-norm: a number above 0, or infinity."""
    value = _plain(name, value)
    return math.inf if isinstance(value, float) and value == math.inf else positive(name, value)


def or_tensor(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Make the refusal of what is not a number say that a tensor would do."""

    def call(name: str, value: Any) -> Any:
        try:
            return check(name, value)
        except TypeError as error:
            hint = f"{name} must be a number or a floating-point tensor, for instance torch.tensor({name});"
            raise TypeError(str(error).replace(f"{name} must be a number;", hint)) from None

    return call


def scalar(name: str, value: Any) -> Any:
    """Refuse what is not a finite number; a floating-point tensor of one number stays a tensor, for its gradient."""
    if not isinstance(value, Tensor) or not value.dtype.is_floating_point:
        return or_tensor(number)(name, value)
    return _one_number(name, value, torch.isfinite, "finite")


def positive_scalar(name: str, value: Any) -> Any:
    """Refuse what is not a finite number above 0; a floating-point tensor of one number stays a tensor."""
    if not isinstance(value, Tensor) or not value.dtype.is_floating_point:
        return or_tensor(positive)(name, value)
    return _one_number(name, value, lambda v: (v > 0) & v.isfinite(), "finite and greater than 0")


def _one_number(name: str, tensor: Tensor, valid: Callable[[Tensor], Tensor], takes: str) -> Tensor:
    check.tensor(name, tensor)
    if tensor.dtype not in check.FLOATS:
        raise TypeError(
            f"{name} must be a number or a floating-point tensor, for instance {name}.float(); got {tensor.dtype}"
        )
    if tuple(tensor.shape) not in ((), (1,)):
        raise ValueError(f"{name} must have shape () or (1,), that of one number; got {tuple(tensor.shape)}")
    check.values(name, tensor, valid, takes)
    return tensor.reshape(()) if tensor.dim() else tensor


def choice(*options: Any) -> Callable[[str, Any], Any]:
    """Make a check that refuses what is not one of the options."""

    def one_of(name: str, value: Any) -> Any:
        value = _plain(name, value)
        for option in options:
            if value is option or (isinstance(value, type(option)) and type(value) is not bool and value == option):
                return option  # not a member of an enum that equals it
        raise ValueError(f"{name} must be one of {', '.join(map(repr, options))}; got {_show(value)}")

    one_of.options = options  # type: ignore[attr-defined]
    return one_of
