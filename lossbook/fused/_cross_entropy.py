"""Cross entropy of rows of logits and its gradient: what the kernels with and without a linear map share."""

from typing import Any

import torch
from torch import Tensor

from .._core import times
from .._core.classes import class_dim
from ._blocks import in_parallel, tiles
from ._math import tanh
from ._op import number
from ._triton import accumulator, cdiv, dense, kernel_dtype, launch, power_of_2, run_kernels, tl, triton

LARGEST_BLOCK = 16384  # classes in the registers of a program at once

# One row of logits x, target distribution q, class weights w, lse = log sum_c exp x_c:
#
#   loss = sum_c s_c (lse - x_c) + z lse^2                                       s_c = w_c q_c
#   d loss / d x_c = p_c (sum_k s_k + 2 z lse) - s_c                             p_c = exp(x_c - lse)
#
# The first pass over the row finds lse block by block: a running sum of exponentials relative to the running maximum,
# rescaled when the maximum grows. The second pass makes the gradient, and the sum over classes where the target is
# more than one index. It walks backwards: what the first pass read last is still in the cache.
# With a softcap, x = cap tanh(logit / cap), and d x / d logit = 1 - (x / cap)^2.


@triton.jit
def _logits_at(logits, at, inside, softcap, ACC: tl.constexpr):
    x = tl.load(logits + at, inside, 0).to(ACC)
    if softcap is not None:
        x = tl.load(softcap) * tanh(x / tl.load(softcap))
    return tl.where(inside, x, float("-inf"))  # after the cap, which would lift a padded class to -cap


@triton.jit
def _share(c, inside, label, target, target_at, class_weight, smoothing, classes,
           PROBABILITIES: tl.constexpr, ACC: tl.constexpr):  # fmt: skip
    """s_c: the weighted share of class c in the smoothed target."""
    if PROBABILITIES:
        share = tl.load(target + target_at, inside, 0).to(ACC)
    else:
        share = (c[None, :] == label[:, None]).to(ACC)
    if smoothing is not None:
        share = (1 - tl.load(smoothing)) * share + tl.load(smoothing) / classes
    if class_weight is not None:
        share *= tl.load(class_weight + c, c < classes, 0).to(ACC)[None, :]
    return tl.where(inside, share, 0)


@triton.jit
def _kernel(logits, target, class_weight, row_weight, divisor, upstream, lse_upstream, loss, lse, gradient,
            rows, classes, inner, logits_outer, logits_class, logits_inner, target_outer, target_class, target_inner,
            gradient_outer, gradient_class, gradient_inner, ignore_index, smoothing, softcap, z_loss,
            PROBABILITIES: tl.constexpr, UPSTREAM_EACH: tl.constexpr, ACC: tl.constexpr, ROWS: tl.constexpr,
            BLOCK: tl.constexpr):  # fmt: skip
    """One program takes ROWS rows. Settings are pointers to one number, None where they are not used."""
    SPREAD: tl.constexpr = PROBABILITIES or smoothing is not None  # the target is more than one index
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    exists = row < rows
    outer, place = row // inner, row % inner
    logits += (outer * logits_outer + place * logits_inner)[:, None]
    target_row = (outer * target_outer + place * target_inner)[:, None]

    weight = tl.where(exists, 1.0, 0.0).to(ACC)
    if row_weight is not None:
        weight = tl.load(row_weight + row, exists, 0).to(ACC)
    label = tl.zeros([ROWS], tl.int64)
    known = exists
    if not PROBABILITIES:
        label = tl.load(target + row, exists, 0).to(tl.int64)
        weight = tl.where(label == ignore_index, 0, weight)
        known = (label >= 0) & (label < classes)
    counted = weight != 0
    read = counted & known
    if lse is not None:
        read = exists

    largest = tl.full([ROWS], float("-inf"), ACC)
    total = tl.zeros([ROWS], ACC)
    mass = tl.zeros([ROWS], ACC)
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        inside = read[:, None] & (c < classes)[None, :]
        x = _logits_at(logits, c.to(tl.int64)[None, :] * logits_class, inside, softcap, ACC)
        before = largest
        largest = tl.maximum(largest, tl.max(x, 1))
        finite = tl.where(largest == float("-inf"), 0, largest)  # a whole block of -inf adds nothing
        total = total * tl.exp(before - finite) + tl.sum(tl.exp(x - finite[:, None]), 1)
        if SPREAD:
            target_at = target_row + c.to(tl.int64)[None, :] * target_class
            mass += tl.sum(_share(c, inside, label, target, target_at, class_weight, smoothing, classes,
                                  PROBABILITIES, ACC), 1)  # fmt: skip
    log_total = tl.log(total)
    log_sum = largest + log_total
    if lse is not None:
        tl.store(lse + row, log_sum, exists)

    value = tl.zeros([ROWS], ACC)
    if not SPREAD:
        mass = tl.where(read & known, 1.0, 0.0).to(ACC)
        if class_weight is not None:
            mass = tl.load(class_weight + label, read & known, 0).to(ACC)
        labelled = _logits_at(logits, (label * logits_class)[:, None], (read & known)[:, None], softcap, ACC)
        value = tl.where(mass == 0, 0, mass * ((largest - tl.max(labelled, 1)) + log_total))
        tl.debug_barrier()  # the gradient may go where the logits are: by now every warp has read its labels

    scale = weight
    if divisor is not None:
        nothing = tl.load(divisor).to(ACC) == 0  # counts: the loss is NaN, its gradient 0
        scale = tl.where(nothing, 0, scale / tl.load(divisor).to(ACC))
    if UPSTREAM_EACH:
        scale *= tl.load(upstream + row, exists, 0).to(ACC)
    elif upstream is not None:
        scale *= tl.load(upstream).to(ACC)
    scale = tl.where(counted & known, scale, 0)
    flow = scale * mass
    if z_loss is not None:
        value += tl.load(z_loss) * log_sum * log_sum
        flow += tl.where(scale == 0, 0, 2 * scale * tl.load(z_loss) * log_sum)
    if lse_upstream is not None:
        flow += tl.load(lse_upstream + row, exists, 0).to(ACC)
    gradient_row = (outer * gradient_outer + place * gradient_inner)[:, None]
    if gradient is not None or SPREAD:
        for back in range(0, classes, BLOCK):
            c = (classes - 1) // BLOCK * BLOCK - back + tl.arange(0, BLOCK)
            inside = read[:, None] & (c < classes)[None, :]
            x = _logits_at(logits, c.to(tl.int64)[None, :] * logits_class, inside, softcap, ACC)
            target_at = target_row + c.to(tl.int64)[None, :] * target_class
            if SPREAD:
                share = _share(c, inside, label, target, target_at, class_weight, smoothing, classes,
                               PROBABILITIES, ACC)  # fmt: skip
                below = (largest[:, None] - x) + log_total[:, None]
                value += tl.sum(tl.where(share == 0, 0, share * below), 1)
            else:
                share = tl.where(c[None, :] == label[:, None], mass[:, None], 0)
            if gradient is not None:
                p = tl.exp((x - largest[:, None]) - log_total[:, None])
                slope = flow[:, None] * p - scale[:, None] * share
                if softcap is not None:
                    slope *= 1 - (x / tl.load(softcap)) * (x / tl.load(softcap))
                slope = tl.where(inside & ((scale != 0) | (flow != 0))[:, None], slope, 0)
                slope = tl.where((counted & (known == 0))[:, None], float("nan"), slope)  # a 0 would not be noticed
                at = gradient_row + c.to(tl.int64)[None, :] * gradient_class
                tl.store(gradient + at, slope.to(gradient.dtype.element_ty), exists[:, None] & (c < classes)[None, :])

    value = tl.where(known, weight * value, float("nan"))
    tl.store(loss + row, tl.where(counted, value, 0), exists)


def cross_entropy_rows(logits: Tensor, *arguments: Any) -> None:
    """Write loss, log sum and gradient of each row: as a kernel, or in tensor operations.

    Args:
        logits: shape (outer, classes, inner), any strides.
        arguments: target, class_weight, row_weight, divisor, ignore_index, smoothing, softcap, z_loss, upstream,
            lse_upstream; then where loss, lse and gradient go, each as rows (outer * inner,) but the gradient, which
            may be ``logits`` itself. ``lse`` and ``gradient`` may be None.
    """
    (_launch if run_kernels(logits) else _by_blocks)(logits, *arguments)


def _launch(logits: Tensor, target: Tensor, class_weight: Tensor | None, row_weight: Tensor | None,
            divisor: Tensor | None, ignore_index: int, smoothing: float, softcap: float, z_loss: float,
            upstream: Tensor | None, lse_upstream: Tensor | None, loss: Tensor, lse: Tensor | None,
            gradient: Tensor | None) -> None:  # fmt: skip
    outer, classes, inner = logits.shape
    probabilities = target.is_floating_point()
    block = min(power_of_2(classes), LARGEST_BLOCK)
    rows_each = max(1, 2048 // block)
    numbers = [number(setting, loss) if setting else None for setting in (smoothing, softcap, z_loss)]
    launch(
        _kernel, cdiv(outer * inner, rows_each), logits,
        logits, target if probabilities else target.contiguous(),
        *dense(class_weight, row_weight, divisor, upstream, lse_upstream), loss, lse, gradient,
        outer * inner, classes, inner, *logits.stride(), *(target.stride() if probabilities else (0, 0, 0)),
        *((0, 0, 0) if gradient is None else gradient.stride()), ignore_index, *numbers,
        PROBABILITIES=probabilities, UPSTREAM_EACH=upstream is not None and upstream.dim() > 0,
        ACC=kernel_dtype(loss.dtype), ROWS=rows_each, BLOCK=block,
        num_warps=32 if block > 4096 else 8,  # few rows at a time, so that a row is in the cache at its second pass
    )  # fmt: skip


def _by_blocks(logits: Tensor, target: Tensor, class_weight: Tensor | None, row_weight: Tensor | None,
               divisor: Tensor | None, ignore_index: int, smoothing: float, softcap: float, z_loss: float,
               upstream: Tensor | None, lse_upstream: Tensor | None, loss: Tensor, lse: Tensor | None,
               gradient: Tensor | None) -> None:  # fmt: skip
    """Do the same in tensor operations, one block of rows at a time."""
    outer, classes, inner = logits.shape
    one_label = smoothing == 0 and not target.is_floating_point()
    all_count = not target.is_floating_point() and _all_count(target, classes, ignore_index)
    w = None if class_weight is None else class_weight.to(loss.dtype)
    scale_of_all = loss.new_ones(()) if divisor is None else 1 / divisor
    if divisor is not None:  # where nothing counts, the loss is NaN and its gradient 0
        scale_of_all = scale_of_all.masked_fill(divisor == 0, 0)
    if upstream is not None:
        scale_of_all = scale_of_all * upstream

    def one_tile(tile: tuple[slice, slice]) -> None:
        o, i = tile

        def per_row(tensor: Tensor) -> Tensor:
            return tensor.expand(outer * inner).view(outer, inner)[o, i].flatten()

        x = logits[o, :, i].movedim(1, -1).reshape(-1, classes).to(loss.dtype)
        if softcap:
            x = softcap * torch.tanh(x / softcap)
        direct = gradient is not None and inner == 1 and gradient.dtype == loss.dtype
        if gradient is logits:
            x = x.clone()
        p = torch.softmax(x, 1, out=gradient[o, :, 0]) if gradient is not None and direct else torch.softmax(x, 1)
        largest, log_total = x.amax(1), -p.amax(1).log()  # the largest p is 1 / sum exp(x - largest)
        label: Any = None
        unknown, mass = None, None
        weight = None if row_weight is None else per_row(row_weight)
        if not target.is_floating_point():
            label = per_row(target).long()  # uint8 is no index
            if not all_count:
                ignored = label == ignore_index
                weight = (torch.ones_like(largest) if weight is None else weight).masked_fill(ignored, 0)
                unknown = (label < 0) | (label >= classes)
                label = label.masked_fill(unknown, 0)
            label = label[:, None]
        if one_label:
            value = (largest[:, None] - x.gather(1, label)) + log_total[:, None]
            shares = value.new_ones(()).expand_as(value) if w is None else w.expand_as(x).gather(1, label)
            if w is not None:
                value, mass = times(shares, value), shares.squeeze(1)
            value = value.squeeze(1)
        else:
            shares = (
                torch.zeros_like(x).scatter_(1, label, 1.0)
                if label is not None
                else target[o, :, i].movedim(1, -1).reshape(-1, classes).to(x.dtype)
            )
            shares = (1 - smoothing) * shares + smoothing / classes
            shares = shares if w is None else w * shares
            mass = shares.sum(1)
            value = times(shares, (largest[:, None] - x) + log_total[:, None]).sum(1)
        if z_loss:  # or 0 times the square of a large one, infinity, would be NaN
            value = value + z_loss * (largest + log_total).square()
        if weight is not None:
            value = weight * value
        if unknown is not None:
            value = value.masked_fill(unknown, torch.nan)
        if weight is not None:
            value = value.masked_fill(weight == 0, 0)
        loss.view(outer, inner)[o, i] = value.view(-1, i.stop - i.start)
        if lse is not None:
            lse.view(outer, inner)[o, i] = (largest + log_total).view(-1, i.stop - i.start)
        if gradient is None:
            return
        scale = per_row(scale_of_all)
        if weight is not None:
            scale = (weight * scale).masked_fill(weight == 0, 0)
        if unknown is not None:
            scale = scale.masked_fill(unknown, 0)
        flow = scale if mass is None else scale * mass
        if z_loss:
            flow = flow + scale * (2 * z_loss * (largest + log_total))
        nothing = scale == 0
        if mass is not None or z_loss:
            flow = flow.masked_fill(nothing, 0)
        if lse_upstream is not None:
            flow = flow + per_row(lse_upstream)
            nothing &= flow == 0
        p.mul_(flow[:, None])
        if one_label:
            p.scatter_add_(1, label, -scale[:, None] * shares)
        else:
            p.sub_(scale[:, None] * shares)
        if softcap:
            p.mul_(1 - (x / softcap).square())
        if nothing.is_cuda or nothing.any():
            p.masked_fill_(nothing[:, None], 0)
        if unknown is not None:
            wrong = unknown if weight is None else unknown & (weight != 0)
            p.masked_fill_(wrong[:, None], torch.nan)  # a 0 would not be noticed
        if not direct:
            gradient[o, :, i] = p.view(o.stop - o.start, -1, classes).movedim(-1, 1)

    in_parallel(one_tile, list(tiles(outer, classes, inner)), logits)


def _all_count(label: Tensor, classes: int, ignore_index: int) -> bool:
    """Say whether no label is ignored or out of range, where looking is free."""
    if label.device.type != "cpu" or label.numel() == 0 or 0 <= ignore_index < classes:
        return False
    least, most = label.aminmax()
    return least.item() >= 0 and most.item() < classes


def count(input: Tensor, target: Tensor, weight: Tensor | None, row_weight: Tensor | None, ignore_index: int) -> Tensor:
    """What "mean" divides by."""
    dtype = accumulator(input.dtype)
    if target.is_floating_point():
        rows = input.numel() // max(input.shape[class_dim(input)], 1)
        return number(rows, input) if row_weight is None else row_weight.sum()
    counted = target.long() != ignore_index  # uint8 would take 156 for -100
    if weight is None:
        return counted.sum(dtype=dtype) if row_weight is None else (row_weight * counted).sum()
    label = target.long().clamp(0, weight.shape[0] - 1)
    each = weight.to(dtype)[label] * counted
    return each.sum() if row_weight is None else (row_weight * each).sum()
