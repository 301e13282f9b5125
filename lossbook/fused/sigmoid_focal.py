"""Focal loss of logits, value and slopes in one pass."""

import torch
from torch import Tensor

from .._core import BinaryLabel, paired
from ..classification import sigmoid_focal as readable
from ._elementwise import all_finite, check_entries, elementwise, run
from ._math import log1p
from ._op import fused
from ._triton import tl, triton

# Seen from the farther label: z is the logit of that label (-x for t > 1/2, else x), s <= 1/2 its share of the target,
# p = sigmoid(z), u = exp(-|z|). Then
#
#   h = log(1 + u) + r z                  cross entropy; r = 1 - s for z > 0, else -s: no term is negative
#   m = s + (1 - 2 s) p                   1 - p_t, without a difference
#   f = a m^gamma                         a = alpha t + (1 - alpha) (1 - t)
#   loss = f h
#   d loss / d z = f (p - s + gamma h (1 - 2 s) p (1 - p) / m)
#   d loss / d s = f (-z + gamma h (1 - 2 p) / m)
#
# and d loss / d t adds m^gamma h d a / d t to minus or plus the latter.
#
# The options say whether gamma is 2, which needs no logarithm, and whether there is an alpha.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    gamma = tl.load(settings[0])
    tiny: tl.constexpr = 2.2250738585072014e-308 if x.dtype == tl.float64 else 1.1754943508222875e-38
    largest: tl.constexpr = 1.7976931348623157e308 if x.dtype == tl.float64 else 3.4028234663852886e38
    side = tl.where(t > 0.5, -1, 1).to(x.dtype)
    wrong = side * x
    wrong = tl.where(wrong < -largest, -largest, wrong)  # 0 * inf would be NaN
    share = tl.where(t > 0.5, 1 - t, t)
    small = tl.exp(-tl.abs(wrong))
    yes = wrong > 0
    p = tl.where(yes, 1, small) / (1 + small)
    q = tl.where(yes, small, 1) / (1 + small)
    entropy = log1p(small) + tl.where(yes, 1 - share, -share) * wrong
    miss = share + (1 - 2 * share) * p
    if OPTIONS[0]:
        power = miss * miss
    else:
        power = tl.where(gamma == 0, 1, tl.exp(gamma * tl.log(miss)))
    factor = power
    alpha_slope = tl.zeros_like(x)
    if OPTIONS[1]:
        alpha = tl.load(settings[1])
        if first is not None:
            alpha = first
        factor *= alpha * t + (1 - alpha) * (1 - t)
        alpha_slope += 2 * alpha - 1
    entropy = tl.where((factor == 0) & (entropy == float("inf")), 0, entropy)
    growth = tl.where(miss < tiny, 0, gamma * entropy / tl.where(miss < tiny, 1, miss))
    curve = tl.where(q == 0, 0, growth * (1 - 2 * share) * p * q)
    slope = factor * side * (p - share + curve)
    target_slope = alpha_slope * power * entropy + factor * side * (
        growth * (q - p) - tl.where(wrong > largest, largest, wrong)
    )
    return factor * entropy, slope, target_slope


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    gamma, alpha = settings[0], settings[1] if first is None else first
    limits = torch.finfo(x.dtype)
    side = torch.gt(t, 0.5, out=spare[0]).mul_(-2).add_(1)
    share = torch.minimum(t, 1 - t, out=spare[1])
    wrong = torch.mul(side, x, out=spare[2]).clamp_(min=limits.min)  # 0 * inf would be NaN
    p, q = wrong.sigmoid(), wrong.neg().sigmoid_()
    entropy = torch.minimum(p, q, out=spare[3]).neg_().log1p_().neg_()  # log(1 + u)
    entropy.addcmul_(torch.gt(wrong, 0, out=value).sub_(share), wrong)
    hard = share.mul(-2).add_(1)
    miss = torch.addcmul(share, hard, p)
    power = miss.square() if options[0] else miss.pow(gamma)
    factor = power
    if options[1]:
        factor = (t * alpha).add_((1 - t) * (1 - alpha)).mul_(power)
    infinite = not all_finite(entropy)
    if infinite:
        entropy.masked_fill_((factor == 0) & (entropy == torch.inf), 0)
    torch.mul(factor, entropy, out=value)
    growth = torch.div(entropy, miss.clamp_(min=limits.tiny), out=miss).mul_(gamma)
    if options[1] and wanted[1]:
        power.mul_(entropy)
    force = factor.mul(side)
    if wanted[0]:
        curve = hard.mul_(growth).mul_(p).mul_(q)
        if infinite:
            curve.masked_fill_(q == 0, 0)
        torch.add(p, curve, out=slopes[0]).sub_(share).mul_(force)
    if wanted[1]:
        torch.mul(growth, q.sub_(p), out=slopes[1]).sub_(wrong.clamp_(max=limits.max)).mul_(force)
        if options[1]:
            slopes[1].add_(power.mul_(2 * alpha - 1))


_sigmoid_focal_loss = elementwise("sigmoid_focal_loss", _in_kernel, _in_blocks, mirrored=False)


@fused(readable.sigmoid_focal_loss, gradients=("input", "target"))
def sigmoid_focal_loss(input, target, *, gamma, alpha, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once, and keeps no loss of single entries."""
    entry = paired(input, target, sample_weight=sample_weight)
    check_entries("target", target, entry, BinaryLabel)
    each = None if not isinstance(alpha, Tensor) else readable.as_input(alpha, input)
    return run(
        _sigmoid_focal_loss, input, target, each, settings=[gamma, alpha if isinstance(alpha, float | int) else 0.0],
        options=[gamma == 2, alpha is not None], entry=entry, normalizer=normalizer, reduction=reduction,
    )  # fmt: skip


class SigmoidFocalLoss(readable.SigmoidFocalLoss, of=sigmoid_focal_loss):
    """``lossbook.SigmoidFocalLoss`` with the fused kernel."""
