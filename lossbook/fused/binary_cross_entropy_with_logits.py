"""Binary cross entropy of logits, value and slopes in one pass."""

import torch

from .._core import BinaryLabel, paired
from ..classification import binary_cross_entropy_with_logits as readable
from ..classification._factors import check_factors
from ._elementwise import all_finite, check_entries, elementwise, run
from ._math import log1p
from ._op import fused
from ._triton import tl, triton

# With u = exp(-|x|), which cannot overflow, and p the weight of the positive label:
#
#   loss = c log(1 + u) + r x             c = 1 + (p - 1) t         r = 1 - t for x > 0, else -p t
#   d loss / d x = r -+ c u / (1 + u)     (minus for x > 0)
#   d loss / d t = (p - 1) log(1 + u) - (x for x > 0, else p x)
#
# No term of the loss is negative, so nothing cancels; r is exactly 0 where x is on the side of a hard label.


@triton.jit
def _in_kernel(x, t, first, second, settings, OPTIONS: tl.constexpr):
    """``first`` is the weight of the entry, ``second`` that of the positive label."""
    small = tl.exp(-tl.abs(x))
    curved = log1p(small)
    other = small / (1 + small)  # sigmoid of -|x|
    yes = x > 0
    part = tl.where(yes, 1 - t, -t)
    slope = tl.where(yes, -other, other)
    largest: tl.constexpr = 1.7976931348623157e308 if x.dtype == tl.float64 else 3.4028234663852886e38
    target_slope = -tl.where(x > largest, largest, tl.where(x < -largest, -largest, x))
    value = curved
    if second is not None:
        part = tl.where(yes, 1 - t, -second * t)
        share = 1 + (second - 1) * t
        value *= share
        slope *= share
        target_slope = (second - 1) * curved + tl.where(yes, 1, second) * target_slope
    value += tl.where(part == 0, 0, part * x)
    slope += part
    if first is not None:
        value = tl.where((first == 0) & (tl.abs(value) == float("inf")), 0, first * value)
        slope *= first
        target_slope *= first
    return value, slope, target_slope


def _in_blocks(x, t, first, second, settings, options, value, slopes, wanted, spare):
    other = torch.abs(x, out=spare[0]).neg_().sigmoid_()
    curved = torch.neg(other, out=value).log1p_().neg_()  # log(1 + u) = -log(1 - sigmoid(-|x|))
    yes = torch.gt(x, 0, out=spare[1])  # 1 or 0
    if second is None:
        part = torch.sub(yes, t, out=spare[2])
    else:
        no = 1 - yes
        part = torch.mul(no * second, t, out=spare[2]).neg_().addcmul_(yes, 1 - t)
        share = 1 + (second - 1) * t
    if wanted[0]:
        torch.addcmul(other, yes, other, value=-2, out=slopes[0])
        if second is not None:
            slopes[0].mul_(share)
        slopes[0].add_(part)
    if wanted[1]:
        limits = torch.finfo(x.dtype)
        torch.clamp(x, limits.min, limits.max, out=slopes[1]).neg_()
        if second is not None:
            slopes[1].mul_(no.mul_(second).add_(yes)).addcmul_(second - 1, curved)
    if second is not None:
        value.mul_(share)
    value.addcmul_(part, x)
    if not all_finite(value):  # 0 times infinity, perhaps
        torch.neg(other, out=value).log1p_().neg_()
        if second is not None:
            value.mul_(share)
        value.add_(torch.mul(part, x, out=spare[3]).masked_fill_(part == 0, 0))
    if first is not None:
        if not all_finite(value):
            value.masked_fill_((first == 0) & value.isinf(), 0)
        for made in (value, *(slope for slope, w in zip(slopes, wanted, strict=True) if w)):
            made.mul_(first)


_binary_cross_entropy_with_logits = elementwise(
    "binary_cross_entropy_with_logits", _in_kernel, _in_blocks, mirrored=False
)


@fused(readable.binary_cross_entropy_with_logits, gradients=("input", "target"))
def binary_cross_entropy_with_logits(input, target, *, weight, pos_weight, sample_weight, normalizer, reduction):
    """Fused: reads each argument once, writes each gradient once; weights that broadcast are not expanded."""
    entry = paired(input, target, sample_weight=sample_weight)
    check_factors(input, weight=weight, pos_weight=pos_weight)
    check_entries("target", target, entry, BinaryLabel)
    return run(
        _binary_cross_entropy_with_logits, input, target, weight, pos_weight, entry=entry, normalizer=normalizer,
        reduction=reduction,
    )  # fmt: skip


class BCEWithLogitsLoss(readable.BCEWithLogitsLoss, of=binary_cross_entropy_with_logits):
    """``lossbook.BCEWithLogitsLoss`` with the fused kernel."""
