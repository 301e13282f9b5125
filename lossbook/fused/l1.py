"""L1 loss, value and slope in one pass."""

import torch

from .._core import paired
from ..regression import l1 as readable
from ._elementwise import elementwise, run
from ._op import fused
from ._triton import tl, triton

# With the error e = x - t: loss = |e|, d loss / d x = sign e.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    error = x - t
    slope = tl.where(error > 0, 1.0, tl.where(error < 0, -1.0, error))  # 0 at a hit, NaN for NaN
    return tl.abs(error), slope, -slope


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    torch.sub(x, t, out=value)
    torch.sign(value, out=slopes[0])
    value.abs_()


_l1_loss = elementwise("l1_loss", _in_kernel, _in_blocks, mirrored=True)


@fused(readable.l1_loss, gradients=("input", "target"))
def l1_loss(input, target, *, weight, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once, and keeps no loss of single entries."""
    entry = paired(input, target, weight=weight, sample_weight=sample_weight)
    return run(_l1_loss, input, target, entry=entry, normalizer=normalizer, reduction=reduction)


class L1Loss(readable.L1Loss, of=l1_loss):
    """``lossbook.L1Loss`` with the fused kernel."""
