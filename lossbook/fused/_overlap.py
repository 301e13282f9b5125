"""The overlap of soft masks and their targets, for Dice and Tversky; `_overlap_kernels.py` has the derivation."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .._core import check
from .._core.classes import check_class_values
from ..segmentation._overlap import as_masks, check_arguments, kept_index
from ._blocks import in_parallel, tiles
from ._op import as_result_dtype, differentiate, gradients_now, number, reduce_rows
from ._overlap_kernels import Masks, launch_gradients, launch_sums
from ._triton import accumulator, run_kernels, sum_dtype


def _wanted(masks: Masks, o: slice, i: slice) -> tuple[Tensor, Tensor, Tensor]:
    """A block of masks (samples, classes, pixels), or of safe class indices; which are ignored, which unknown."""
    t = masks.target[o, ..., i]
    if not masks.index:
        if masks.kept_target is not None:
            t = t.masked_fill(~masks.kept_target[o, :, None], 0)
        return t.to(masks.dtype), t, t
    t = t[:, None].long()
    ignored = t == masks.ignore_index
    if masks.kept_logits is not None:
        ignored |= ~masks.kept_logits[o, :1, None]
    unknown = ~ignored & ((t < 0) | (t >= masks.logits.shape[1]))
    return t.masked_fill(ignored | unknown, 0), ignored, unknown


def _given(masks: Masks, o: slice, i: slice, out: Tensor | None) -> Tensor:
    """A block of probabilities (samples, classes, pixels); 0 where ignored, NaN where the class is unknown."""
    x = masks.logits[o, :, i].to(masks.dtype)
    if masks.kept_logits is not None:
        x = x.masked_fill(~masks.kept_logits[o, :, None], 0)
    p = torch.softmax(x, 1, out=out) if masks.softmax else torch.sigmoid(x, out=out)
    if masks.index:
        _, ignored, unknown = _wanted(masks, o, i)
        for which, value in ((ignored, 0.0), (unknown, torch.nan)):
            if which.is_cuda or which.any():
                p.masked_fill_(which, value)
    return p


def _sums_by_blocks(masks: Masks, p_of_all: Tensor | None) -> Tensor:
    """Do the same in tensor operations; leave the probabilities in ``p_of_all``."""
    zero = masks.logits.new_zeros((), dtype=masks.dtype)
    cut = list(tiles(*masks.logits.shape))
    found = [zero] * len(cut)

    def one_tile(piece: tuple[int, tuple[slice, slice]]) -> None:
        place, (o, i) = piece
        p = _given(masks, o, i, None if p_of_all is None else p_of_all[o, :, i])
        t, ignored, _ = _wanted(masks, o, i)
        sums = found[place] = p.new_zeros(3, *p.shape[:2], dtype=sum_dtype(masks.logits))
        if masks.index:
            at_class = p.gather(1, t)
            sums[0].scatter_add_(1, t.squeeze(1), at_class.squeeze(1).to(sums.dtype))
            sums[2].scatter_add_(1, t.squeeze(1), (1 - at_class).masked_fill_(ignored, 0).squeeze(1).to(sums.dtype))
            sums[1] += p.scatter_(1, t, 0.0).sum(2)
            p.scatter_(1, t, at_class)
        else:
            scratch = p * t
            sums[0] += scratch.sum(2)
            sums[1] += torch.lerp(p, zero, t, out=scratch).sum(2)
            sums[2] += torch.lerp(t, zero, p, out=scratch).sum(2)

    in_parallel(one_tile, list(enumerate(cut)), masks.logits)
    total = masks.logits.new_zeros(3, *masks.logits.shape[:2], dtype=sum_dtype(masks.logits))
    for (o, _), sums in zip(cut, found, strict=True):
        total[:, o] += sums
    return total.to(masks.dtype)


def _gradients_by_blocks(
    masks: Masks, slopes: Tensor, gradient: Tensor | None, target_gradient: Tensor | None, p_of_all: Tensor | None
) -> None:
    by_hit, by_extra, by_missed = slopes[..., None]
    one = slopes.new_ones(())

    def one_tile(tile: tuple[slice, slice]) -> None:
        o, i = tile
        p = _given(masks, o, i, None) if p_of_all is None else p_of_all[o, :, i]
        hit, extra, missed = by_hit[o], by_extra[o], by_missed[o]
        if target_gradient is not None:
            target_gradient[o, :, i] = torch.sub(one, p).mul_(missed).addcmul_(p, hit - extra)
        if gradient is None:
            return
        t, _, _ = _wanted(masks, o, i)
        if masks.index:
            v = torch.empty_like(p).copy_(extra).scatter_(1, t, (hit - missed).expand_as(p).gather(1, t))
        else:
            v = torch.sub(one, t).mul_(extra).addcmul_(t, hit - missed)
        if masks.softmax:
            v.sub_((p * v).sum(1, keepdim=True))
            p.mul_(v)
        else:
            torch.ops.aten.sigmoid_backward.grad_input(v, p, grad_input=p)
        if p_of_all is None:
            gradient[o, :, i] = p

    in_parallel(one_tile, list(tiles(*masks.logits.shape)), masks.logits)


def _forward(
    logits: Tensor,
    target: Tensor,
    entry: Tensor | None,
    divisor: Tensor | None,
    softmax: bool,
    ignore_index: int,
    hits: float,
    alpha: float,
    beta: float,
    smooth: float,
    upstream: Tensor | None,
    reduced: bool,
    wanted: Sequence[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (batch, classes, pixels), target the same or indices (batch, pixels), entry weights (batch, classes)."""
    total, gradient, target_gradient = _fake(logits, target, entry, divisor, softmax, ignore_index, hits, alpha, beta,
                                             smooth, upstream, reduced, wanted)  # fmt: skip
    dtype = total.dtype
    kept_target = None if entry is None else (entry != 0).contiguous()
    kept_logits = kept_target
    if kept_target is not None and softmax:
        kept_logits = kept_target.any(1, keepdim=True).expand_as(kept_target).contiguous()
    masks = Masks(logits, target, kept_logits, kept_target, ignore_index, softmax, dtype)
    p_of_all = gradient if wanted[0] and gradient.dtype == dtype else None  # from the first pass to the second

    hit, extra, missed = launch_sums(masks) if run_kernels(logits) else _sums_by_blocks(masks, p_of_all)
    mistakes = alpha * extra + beta * missed
    above = hits * hit + smooth
    below = above + mistakes
    nothing = below < torch.finfo(dtype).tiny  # as in the readable form: the share of nothing is 0
    below = below.masked_fill(nothing, 1)
    loss = (mistakes / below).masked_fill(nothing, 0)
    if any(wanted):
        scale = torch.ones_like(loss) if upstream is None else upstream.to(dtype).expand_as(loss)
        scale = scale if divisor is None else scale / divisor
        scale = scale if entry is None else (scale * entry).masked_fill(entry == 0, 0)
        scale = (scale / below).masked_fill(nothing, 0)
        over = scale * (above / below)
        slopes = torch.stack([-hits * scale * loss, alpha * over, beta * over])
        into = (gradient if wanted[0] else None, target_gradient if wanted[1] else None)
        if run_kernels(logits):
            launch_gradients(masks, slopes, *into)
        else:
            _gradients_by_blocks(masks, slopes, *into, p_of_all)
    if entry is not None:
        loss = (loss * entry).masked_fill(entry == 0, 0)
    return reduce_rows(loss, divisor, reduced), gradient, target_gradient


def _fake(
    logits: Tensor,
    target: Tensor,
    entry: Tensor | None,
    divisor: Tensor | None,
    softmax: bool,
    ignore_index: int,
    hits: float,
    alpha: float,
    beta: float,
    smooth: float,
    upstream: Tensor | None,
    reduced: bool,
    wanted: Sequence[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    dtype = _arithmetic(logits, target)
    return (
        logits.new_empty(() if reduced else logits.shape[:2], dtype=dtype),
        torch.empty_like(logits) if wanted[0] else logits.new_empty(0),
        torch.empty_like(target) if wanted[1] else target.new_empty(0),
    )


def _arithmetic(logits: Tensor, target: Tensor) -> torch.dtype:
    """Give the dtype to compute in: float64 if the logits or the masks are, else float32."""
    wide = torch.promote_types(logits.dtype, target.dtype) if target.is_floating_point() else logits.dtype
    return accumulator(wide)


def operator(name: str) -> Any:
    """Make the operator of one loss."""
    op = torch.library.custom_op(f"lossbook::{name}", _forward, mutates_args=())
    op.register_fake(_fake)
    return differentiate(op, gradients=("logits", "target"))


def overlap_loss(
    op: Any,
    input: Tensor,
    target: Tensor,
    *,
    hits: float,
    alpha: float,
    beta: float,
    smooth: float,
    activation: str,
    ignore_index: int,
    sample_weight: Tensor | None,
    normalizer: Tensor | float | None,
    reduction: str,
) -> Tensor:
    """Check the arguments and call the operator."""
    target = as_masks(input, target)
    weight = check_arguments(input, target, sample_weight, activation=activation, ignore_index=ignore_index)
    floats = [input]
    if target.is_floating_point():
        floats.append(target)
    elif check.values_are_checked(target):
        check_class_values(kept_index(weight, target), input.shape[1], ignore_index)
    dtype = _arithmetic(input, target)
    entry = None if weight.entry is None else weight.entry.to(dtype)
    divisor = None
    if reduction == "mean":
        count = input.shape[0] * input.shape[1] if entry is None else entry.sum()
        divisor = number(count if normalizer is None else normalizer, input).to(dtype)
    (loss,) = op(
        input.flatten(2), target.flatten(2) if target.is_floating_point() else target.flatten(1), entry, divisor,
        activation == "softmax", ignore_index, hits, alpha, beta, smooth, None, reduction != "none",
        gradients_now(reduction, input, target),
    )  # fmt: skip
    return as_result_dtype(loss, *floats)
