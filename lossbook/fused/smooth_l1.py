"""Smooth L1 loss, value and slope in one pass."""

import torch

from .._core import paired
from ..regression import smooth_l1 as readable
from ._elementwise import elementwise, run
from ._op import fused
from ._triton import tl, triton

# With the error e = x - t and s = e / beta clipped to [-1, 1]: loss = s (e - beta s / 2), d loss / d x = s.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    beta = tl.load(settings[0])
    error = x - t
    slope = tl.where(error > 0, 1.0, tl.where(error < 0, -1.0, error))
    near = tl.abs(error) < beta  # never with beta 0
    slope = tl.where(near, error / tl.where(near, beta, 1), slope)
    return slope * (error - 0.5 * beta * slope), slope, -slope


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    (beta,) = settings
    torch.sub(x, t, out=value)
    if beta < torch.finfo(value.dtype).tiny:  # 0, or so small that 1 / beta overflows
        torch.sign(value, out=slopes[0])
    else:
        torch.div(value, beta, out=slopes[0]).clamp_(-1, 1)
    value.sub_(slopes[0], alpha=0.5 * beta).mul_(slopes[0])


_smooth_l1_loss = elementwise("smooth_l1_loss", _in_kernel, _in_blocks, mirrored=True)


@fused(readable.smooth_l1_loss, gradients=("input", "target"))
def smooth_l1_loss(input, target, *, beta, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once, and keeps no loss of single entries."""
    entry = paired(input, target, sample_weight=sample_weight)
    return run(_smooth_l1_loss, input, target, settings=[beta], entry=entry, normalizer=normalizer, reduction=reduction)


class SmoothL1Loss(readable.SmoothL1Loss, of=smooth_l1_loss):
    """``lossbook.SmoothL1Loss`` with the fused kernel."""
