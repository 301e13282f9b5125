"""What softmax and log_softmax share: which dimension, in which dtype, and the shift that keeps exp small."""

import torch
from torch import Tensor

from .._core import check, numbers
from .._core.kinds import Real, kind


def check_options(*, dim: int | None, dtype: torch.dtype | None) -> int:
    """Refuse a missing dimension, which torch guesses, and a dtype that cannot hold the result."""
    if dim is None:
        raise TypeError(
            "dim must be given: the dimension of the classes, 1 for (batch, classes) or (batch, classes, d1, ...), "
            "-1 for (..., classes)"
        )
    dim = numbers.integer("dim", dim)
    if dtype is not None and dtype not in check.FLOATS:
        raise TypeError(f"dtype must be one of torch.float32, float64, bfloat16, float16 or None; got {dtype!r}")
    return dim


def prepare(input: Tensor, dim: int, dtype: torch.dtype | None) -> Tensor:
    """Cast as asked, and refuse integers and a dimension that ``input`` has not."""
    if dtype is not None:
        input = input.to(dtype)
    kind(Real)("input", input)
    ndim = max(input.dim(), 1)
    if not -ndim <= dim < ndim:
        raise ValueError(f"dim must be between {-ndim} and {ndim - 1} for input {tuple(input.shape)}; got {dim}")
    return input


def shifted(input: Tensor, dim: int) -> Tensor:
    """Subtract the maximum along ``dim``, a constant that cancels: exp overflows at 89 in float32."""
    if input.numel() == 0:
        return input
    return input - input.detach().amax(dim, keepdim=True)
