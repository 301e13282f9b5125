"""Gaussian negative log likelihood, value and slopes in one pass."""

import math

import torch
from torch import Tensor

from .._core import NotNegativeReal, paired
from ..regression import gaussian_nll as readable
from ..regression._variance import variance as as_variance
from ._elementwise import check_entries, elementwise, run
from ._op import fused
from ._triton import tl, triton

# With the error e = x - t, v the variance lifted to eps, and r = e / v:
#
#   loss = (log v + e r) / 2             d loss / d x = r             d loss / d var = (1 - e r) / (2 v)
#
# The variance takes its gradient as if it had not been lifted.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    eps = tl.load(settings[0])
    var = tl.where(first <= eps, eps, first)  # -0.0 too
    var = tl.where(first < 0, float("nan"), var)
    error = x - t
    ratio = error / var
    value = 0.5 * (tl.log(var) + error * ratio) + tl.load(settings[1])
    return value, ratio, -ratio, 0.5 * (1 - error * ratio) / var


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    eps, constant = settings
    var = torch.clamp(first, min=eps, out=spare[0])
    if eps == 0:
        var.add_(0.0)  # -0.0 would be a variance below 0
    if first.device.type != "cpu" or not first.amin() >= 0:
        var.masked_fill_(first < 0, torch.nan)
    error = torch.sub(x, t, out=spare[1])
    ratio = torch.div(error, var, out=slopes[0])
    torch.log(var, out=value).addcmul_(error, ratio).mul_(0.5)
    if constant:
        value.add_(constant)
    if wanted[2]:
        torch.mul(error, ratio, out=slopes[2]).mul_(-0.5).add_(0.5).div_(var)


_gaussian_nll_loss = elementwise("gaussian_nll_loss", _in_kernel, _in_blocks, mirrored=True)


@fused(readable.gaussian_nll_loss, gradients=("input", "target", "var"))
def gaussian_nll_loss(input, target, var, *, full, eps, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once.

    A ``var`` that broadcasts is not expanded, but its gradient is added up from one of the shape of ``input``.
    """
    entry = paired(input, target, sample_weight=sample_weight)
    variance = as_variance(var, input)
    check_entries("var", variance.expand(input.shape), entry, NotNegativeReal)
    constant = 0.5 * math.log(2 * math.pi) if full else 0.0
    return run(
        _gaussian_nll_loss, input, target, variance, settings=[eps, constant], entry=entry, normalizer=normalizer,
        reduction=reduction, arguments=3 if isinstance(var, Tensor) else 2,
    )  # fmt: skip


class GaussianNLLLoss(readable.GaussianNLLLoss, of=gaussian_nll_loss):
    """``lossbook.GaussianNLLLoss`` with the fused kernel."""
