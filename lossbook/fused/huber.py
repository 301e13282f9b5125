"""Huber loss, value and slope in one pass."""

import torch

from .._core import paired
from ..regression import huber as readable
from ._elementwise import elementwise, run
from ._op import fused
from ._triton import tl, triton

# With c the error e = x - t clipped to [-delta, delta]: loss = c (e - c / 2), d loss / d x = c.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    delta = tl.load(settings[0])
    error = x - t
    clipped = tl.where(error > delta, delta, tl.where(error < -delta, -delta, error))
    return clipped * (error - 0.5 * clipped), clipped, -clipped


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    (delta,) = settings
    torch.sub(x, t, out=value)
    torch.clamp(value, -delta, delta, out=slopes[0])
    value.sub_(slopes[0], alpha=0.5).mul_(slopes[0])


_huber_loss = elementwise("huber_loss", _in_kernel, _in_blocks, mirrored=True)


@fused(readable.huber_loss, gradients=("input", "target"))
def huber_loss(input, target, *, delta, weight, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once, and keeps no loss of single entries."""
    entry = paired(input, target, weight=weight, sample_weight=sample_weight)
    return run(_huber_loss, input, target, settings=[delta], entry=entry, normalizer=normalizer, reduction=reduction)


class HuberLoss(readable.HuberLoss, of=huber_loss):
    """``lossbook.HuberLoss`` with the fused kernel."""
