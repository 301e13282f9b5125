"""Counts and their rates: which tensors hold them, which values they take."""

from torch import Tensor

from .._core import check

COUNT = "a count, at least 0"
RATE = "a rate, at least 0 (or its logarithm with log_input=True)"


def check_counts(input: Tensor, target: Tensor) -> None:
    """Refuse a rate that is not floating point, counts that are neither that nor integer, and shapes that differ."""
    check.floating(input=input)
    check.tensors(input=input, target=target)
    if target.dtype not in (*check.FLOATS, *check.INTEGERS):
        raise TypeError(f"target must be a floating-point or integer tensor of counts; got {target.dtype}")
    check.same_shape(input=input, target=target)
