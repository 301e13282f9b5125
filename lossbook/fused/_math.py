"""Functions that the kernels need and Triton lacks, as exact as float32 and float64 allow."""

from ._triton import tl, triton


@triton.jit
def tanh(x):
    """Near 0 the quotient of exponentials cancels, so there the Taylor series takes over."""
    near: tl.constexpr = 0.02 if x.dtype == tl.float64 else 0.25
    square = tl.minimum(x * x, near * near)
    series = x * (1 + square * (-1 / 3 + square * (2 / 15 + square * (-17 / 315 + square * (62 / 2835)))))
    return tl.where(tl.abs(x) < near, series, 1 - 2 / (tl.exp(2 * x) + 1))


@triton.jit
def log1p(x):
    """log(1 + x) for x > -1: the rounding of 1 + x is divided out again (Kahan)."""
    rounded = 1 + x
    off = rounded - 1
    return tl.where(off == 0, x, tl.log(rounded) * (x / tl.where(off == 0, 1, off)))


@triton.jit
def softplus(x):
    """log(1 + exp(x)), from the side on which the exponential cannot overflow."""
    return tl.maximum(x, 0) + log1p(tl.exp(-tl.abs(x)))


@triton.jit
def sigmoid(x):
    """1 / (1 + exp(-x)), from the side on which the exponential cannot overflow."""
    small = tl.exp(-tl.abs(x))
    return tl.where(x >= 0, 1, small) / (1 + small)
