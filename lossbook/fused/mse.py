"""Mean squared error, value and slope in one pass."""

import torch
from torch import Tensor

from .. import functional
from .._core import check
from .._core.reduce import entry_weight
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
    torch.mul(value, 2, out=slopes[0])
    value.mul_(value)


_mse_loss = elementwise("mse_loss", _in_kernel, _in_blocks, mirrored=True)


@fused(functional.mse_loss, gradients=("input", "target"))
def mse_loss(
    input: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    sample_weight: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Fused: reads each argument once, writes each gradient once, and keeps no loss of single entries."""
    check.reduction(reduction, normalizer)
    check.floating(input=input, target=target)
    check.same_shape(input=input, target=target)
    entry = entry_weight(check.one_weight(input, weight=weight, sample_weight=sample_weight), input.shape)
    return run(_mse_loss, input, target, entry=entry, normalizer=normalizer, reduction=reduction)
