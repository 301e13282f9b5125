"""Quantile loss, value and slope in one pass."""

import torch
from torch import Tensor

from .._core import check, paired
from ..regression import quantile as readable
from ._elementwise import arithmetic, elementwise, run
from ._op import fused
from ._triton import tl, triton

# With the error e = x - t: d loss / d x = s, which is 1 - q for e > 0, -q for e < 0 and 0 at a hit; loss = s e.
# The quantile q and 1 - q are settings, or q is the first further tensor.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    if first is not None:
        below, above = first, 1 - first
    else:
        below, above = tl.load(settings[0]), tl.load(settings[1])
    error = x - t
    slope = tl.where(error > 0, above, tl.where(error < 0, -below, error))
    return slope * error, slope, -slope


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    torch.sub(x, t, out=value)
    sign = torch.sign(value, out=slopes[0])
    if first is None:
        below, above = settings
        sign.mul_(max(below, above)).clamp_(-below, above)
    else:
        above = torch.clamp(sign, min=0, out=spare[0])
        torch.mul(sign.clamp_(max=0), first, out=sign).addcmul_(above, 1 - first)
    value.mul_(sign)


_quantile_loss = elementwise("quantile_loss", _in_kernel, _in_blocks, mirrored=True)


@fused(readable.quantile_loss, gradients=("input", "target"))
def quantile_loss(input, target, *, quantile, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once; a ``quantile`` that broadcasts is not expanded."""
    entry = paired(input, target, sample_weight=sample_weight)
    if isinstance(quantile, Tensor):
        check.broadcastable("quantile", quantile, input.shape, "one for each entry")
        quantile = quantile.to(arithmetic(input, target))
    each = quantile if isinstance(quantile, Tensor) else None
    return run(
        _quantile_loss, input, target, each, settings=[] if isinstance(quantile, Tensor) else [quantile, 1 - quantile],
        entry=entry, normalizer=normalizer, reduction=reduction,
    )  # fmt: skip


class QuantileLoss(readable.QuantileLoss, of=quantile_loss):
    """``lossbook.QuantileLoss`` with the fused kernel."""
