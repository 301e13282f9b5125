"""Poisson negative log likelihood, value and slopes in one pass."""

import math

import torch

from .._core import Count, Rate, check, entry_weight
from ..regression import poisson_nll as readable
from ._elementwise import all_finite, check_entries, elementwise, run
from ._op import fused
from ._triton import tl, triton

# With log_input:          loss = e^x - t x              d loss / d x = e^x - t        d loss / d t = -x
# without, r = x + eps:    loss = x - t log r            d loss / d x = 1 - t / r      d loss / d t = -log r
# full adds, for t > 1:    t log t - t + log(2 pi t) / 2                               log t + 1 / (2 t)
#
# 0 log 0 is 0: a count of 0 takes no logarithm, even of a rate of 0.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    if OPTIONS[0]:
        rate = tl.exp(x)
        value = tl.where((t == 0) & (tl.abs(x) == float("inf")), rate, rate - t * x)
        slope = rate - t
        target_slope = tl.where((t == 0) & (tl.abs(x) == float("inf")), 0, -x)
    else:
        rate = x + tl.load(settings[0])
        rate = tl.where((rate == 0) & (t == 0), 1, rate)
        log_rate = tl.log(rate)
        value = x - t * log_rate
        slope = 1 - t / rate
        target_slope = -log_rate
    if OPTIONS[1]:
        k = tl.where(t <= 1, 1, t)
        log_k = tl.log(k)
        value += tl.where(t <= 1, 0, k * log_k - k + 0.5 * (1.8378770664093453 + log_k))  # log 2 pi
        target_slope += tl.where(t <= 1, 0, log_k + 0.5 / k)
    return value, slope, target_slope


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    log_input, full = options
    (eps,) = settings
    if log_input:
        rate = torch.exp(x, out=spare[0])
        product = torch.mul(t, x, out=spare[1])
        if not all_finite(product):
            product.masked_fill_((t == 0) & x.isinf(), 0)
        torch.sub(rate, product, out=value)
        torch.sub(rate, t, out=slopes[0])
        if wanted[1]:
            torch.neg(x, out=slopes[1])
            if not all_finite(x):
                slopes[1].masked_fill_((t == 0) & x.isinf(), 0)
    else:
        rate = torch.add(x, eps, out=spare[0])
        if eps == 0:
            rate.masked_fill_((rate == 0) & (t == 0), 1)
        log_rate = torch.log(rate, out=spare[1])
        torch.addcmul(x, t, log_rate, value=-1, out=value)
        torch.div(t, rate, out=slopes[0]).neg_().add_(1)
        if wanted[1]:
            torch.neg(log_rate, out=slopes[1])
    if full:
        k = torch.clamp(t, min=1, out=spare[0])
        large = torch.gt(t, 1, out=spare[1])  # 1 or 0
        log_k = torch.log(k, out=spare[2])
        stirling = torch.add(log_k, math.log(2 * math.pi), out=spare[3]).mul_(0.5).sub_(k).addcmul_(k, log_k)
        value.addcmul_(stirling, large)
        if wanted[1]:
            slopes[1].addcmul_(log_k.add_(k.reciprocal_(), alpha=0.5), large)


_poisson_nll_loss = elementwise("poisson_nll_loss", _in_kernel, _in_blocks, mirrored=False)


@fused(readable.poisson_nll_loss, gradients=("input", "target"))
def poisson_nll_loss(input, target, *, log_input, full, eps, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once; integer counts are read as they are."""
    check.same_shape(input=input, target=target)
    entry = entry_weight(sample_weight, input.shape)
    check_entries("target", target, entry, Count)
    if not log_input:
        check_entries("input", input, entry, Rate)
    return run(
        _poisson_nll_loss, input, target, settings=[eps], options=[log_input, full], entry=entry,
        normalizer=normalizer, reduction=reduction,
    )  # fmt: skip


class PoissonNLLLoss(readable.PoissonNLLLoss, of=poisson_nll_loss):
    """``lossbook.PoissonNLLLoss`` with the fused kernel."""
