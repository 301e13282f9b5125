"""Mean squared error, value and slope in one pass."""

import torch

from .._core import paired
from ..regression import mse as readable
from ._elementwise import elementwise, run
from ._op import fused
from ._triton import tl, triton

# With the error e = x - t: loss = e^2, d loss / d x = 2 e.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    error = x - t
    return error * error, 2 * error, -2 * error


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    torch.sub(x, t, out=value)
    torch.add(value, value, out=slopes[0])
    value.mul_(value)


_mse_loss = elementwise("mse_loss", _in_kernel, _in_blocks, mirrored=True)


@fused(readable.mse_loss, gradients=("input", "target"))
def mse_loss(input, target, *, weight, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once, and keeps no loss of single entries."""
    entry = paired(input, target, weight=weight, sample_weight=sample_weight)
    return run(_mse_loss, input, target, entry=entry, normalizer=normalizer, reduction=reduction)


class MSELoss(readable.MSELoss, of=mse_loss):
    """``lossbook.MSELoss`` with the fused kernel."""
