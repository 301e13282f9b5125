"""The overlap of soft masks and their targets, for Dice and Tversky: one pass for sums, one for gradients."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .._core import check
from .._core.classes import check_class_values
from ..segmentation._overlap import check_arguments, kept_index
from ._blocks import tiles
from ._math import sigmoid
from ._op import as_result_dtype, differentiate, gradients_now, number, reduce_rows
from ._triton import accumulator, cdiv, kernel_dtype, launch, power_of_2, run_kernels, tl, triton

TILE = 4096  # pixels times classes in the registers of a program at once
LARGEST_CLASSES = 256  # classes among them
PROGRAMS = 2048  # more than that, and each takes several tiles before it writes its sums

# For one sample and one class, sums over pixels of probabilities p and targets t in [0, 1]:
#
#   H = sum p t     E = sum p (1 - t)     F = sum (1 - p) t          hit, extra, missed
#   loss = M / D     M = alpha E + beta F     D = h H + s + M        Dice: h = 2, alpha = beta = 1; Tversky: h = 1
#
# Three sums, not sum p t, sum p and sum t: E and F as differences of these lose the digits of a small loss.
# Each program writes the sums of its own pixels, and they are added in a fixed order. Then, for few numbers,
#
#   d loss / d H = -h M / D^2     d loss / d E = alpha (h H + s) / D^2     d loss / d F = beta (h H + s) / D^2
#
# and with these slopes in hand, a second pass over the pixels:
#
#   d loss / d p = v = (1 - t) loss_E + t (loss_H - loss_F)          d loss / d t = p (loss_H - loss_E) + (1 - p) loss_F
#   sigmoid: d loss / d x = p (1 - p) v     softmax: d loss / d x_c = p_c (v_c - sum_k p_k v_k)


@triton.jit
def _masks(target, at, label, c, inside, INDEX: tl.constexpr, ACC: tl.constexpr):
    """t: read, or one at the class of the index."""
    if INDEX:
        return tl.where(inside & (c[:, None] == label[None, :]), 1.0, 0.0).to(ACC)
    return tl.load(target + at, inside, 0).to(ACC)


@triton.jit
def _scores(logits, at, inside, exists, ACC: tl.constexpr):
    """Logits of a tile; -inf beyond the last class, 0 in pixels that are not read."""
    return tl.where(exists[:, None], tl.load(logits + at, inside, 0).to(ACC), float("-inf"))


@triton.jit
def _slope(t, by_hit, by_extra, by_missed, at, exists):
    """Of the loss, by p: v."""
    asked = tl.load(by_hit + at, exists, 0) - tl.load(by_missed + at, exists, 0)
    return (1 - t) * tl.load(by_extra + at, exists, 0)[:, None] + t * asked[:, None]


@triton.jit
def _probabilities(x, largest, total, SOFTMAX: tl.constexpr):
    """P and 1 - p."""
    if SOFTMAX:
        p = tl.exp(x - largest[None, :]) / total[None, :]
        return p, 1 - p
    return sigmoid(x), sigmoid(-x)


@triton.jit
def _pixels(target, sample, pixel, pixels, classes, read, target_sample, target_pixel, ignore_index,
            INDEX: tl.constexpr):  # fmt: skip
    """Which pixels of a tile are read, which of them have an unknown class, and their class."""
    inside = (pixel < pixels) & read
    label = tl.zeros_like(pixel)
    if INDEX:
        label = tl.load(target + sample * target_sample + pixel * target_pixel, inside, 0).to(tl.int64)
        inside &= label != ignore_index
    return inside, inside & ((label < 0) | (label >= classes)), label


@triton.jit
def _sums_kernel(logits, target, kept_logits, kept_target, sums, entries, classes, pixels, tiles_each, chunks,
                 logits_sample, logits_class, logits_pixel, target_sample, target_class, target_pixel, ignore_index,
                 SOFTMAX: tl.constexpr, INDEX: tl.constexpr, ACC: tl.constexpr, CLASSES: tl.constexpr,
                 PIXELS: tl.constexpr):  # fmt: skip
    """One program takes CLASSES classes in tiles_each tiles of PIXELS pixels of one sample."""
    program = tl.program_id(0).to(tl.int64)
    chunk, program = program % chunks, program // chunks
    groups = (classes + CLASSES - 1) // CLASSES
    first, sample = program % groups * CLASSES, program // groups
    c = (first + tl.arange(0, CLASSES)).to(tl.int64)
    exists = c < classes
    read = exists
    asked = exists
    alive = True
    if kept_logits is not None:
        read = tl.load(kept_logits + sample * classes + c, exists, 0) != 0
        asked = tl.load(kept_target + sample * classes + c, exists, 0) != 0
        alive = tl.max(read.to(tl.int32), 0) != 0
    logits += sample * logits_sample

    hit = tl.zeros([CLASSES, PIXELS], ACC)
    extra = tl.zeros([CLASSES, PIXELS], ACC)
    missed = tl.zeros([CLASSES, PIXELS], ACC)
    for tile in range(chunk * tiles_each, (chunk + 1) * tiles_each):
        pixel = tile * PIXELS + tl.arange(0, PIXELS)
        pixel_read, unknown, label = _pixels(target, sample, pixel, pixels, classes, alive, target_sample,
                                             target_pixel, ignore_index, INDEX)  # fmt: skip
        largest = tl.full([PIXELS], float("-inf"), ACC)
        total = tl.zeros([PIXELS], ACC)
        if SOFTMAX:
            for start in range(0, classes, CLASSES):
                k = (start + tl.arange(0, CLASSES)).to(tl.int64)
                x = _scores(logits, k[:, None] * logits_class + pixel[None, :] * logits_pixel,
                            (k < classes)[:, None] & pixel_read[None, :], k < classes, ACC)  # fmt: skip
                before = largest
                largest = tl.maximum(largest, tl.max(x, 0))
                finite = tl.where(largest == float("-inf"), 0, largest)
                total = total * tl.exp(before - finite) + tl.sum(tl.exp(x - finite[None, :]), 0)
        inside = read[:, None] & pixel_read[None, :]
        x = _scores(logits, c[:, None] * logits_class + pixel[None, :] * logits_pixel, inside, exists, ACC)
        p, q = _probabilities(x, largest, total, SOFTMAX)
        p = tl.where(unknown[None, :], float("nan"), p)
        t = _masks(target, sample * target_sample + c[:, None] * target_class + pixel[None, :] * target_pixel, label,
                   c, asked[:, None] & pixel_read[None, :], INDEX, ACC)  # fmt: skip
        hit += tl.where(inside, p * t, 0)
        extra += tl.where(inside, p * (1 - t), 0)
        missed += tl.where(inside, q * t, 0)
    sums += (sample * classes + c) * chunks + chunk
    tl.store(sums, tl.sum(hit, 1), exists)
    tl.store(sums + entries * chunks, tl.sum(extra, 1), exists)
    tl.store(sums + 2 * entries * chunks, tl.sum(missed, 1), exists)


@triton.jit
def _gradient_kernel(logits, target, kept_logits, kept_target, by_hit, by_extra, by_missed, gradient, target_gradient,
                     classes, pixels, tiles, logits_sample, logits_class, logits_pixel, target_sample, target_class,
                     target_pixel, gradient_sample, gradient_class, gradient_pixel, target_gradient_sample,
                     target_gradient_class, target_gradient_pixel, ignore_index, SOFTMAX: tl.constexpr,
                     INDEX: tl.constexpr, ACC: tl.constexpr, CLASSES: tl.constexpr, PIXELS: tl.constexpr):  # fmt: skip
    """One program takes PIXELS pixels of one sample: all classes with softmax, CLASSES classes with sigmoid."""
    program = tl.program_id(0).to(tl.int64)
    tile, program = program % tiles, program // tiles
    pixel = tile * PIXELS + tl.arange(0, PIXELS)
    first, last, sample = program * 0, classes, program
    if not SOFTMAX:
        groups = (classes + CLASSES - 1) // CLASSES
        first, sample = program % groups * CLASSES, program // groups
        last = first + 1
    alive = True
    if SOFTMAX and kept_logits is not None:
        alive = tl.load(kept_logits + sample * classes) != 0  # the same for all classes
    pixel_read, _, label = _pixels(target, sample, pixel, pixels, classes, alive, target_sample, target_pixel,
                                   ignore_index, INDEX)  # fmt: skip
    logits += sample * logits_sample
    target_sample = sample * target_sample
    entry = sample * classes

    largest = tl.full([PIXELS], float("-inf"), ACC)
    total = tl.zeros([PIXELS], ACC)
    mean = tl.zeros([PIXELS], ACC)  # sum_k exp(x_k - largest) v_k, then sum_k p_k v_k
    if SOFTMAX:
        for start in range(0, classes, CLASSES):
            c = (start + tl.arange(0, CLASSES)).to(tl.int64)
            exists = c < classes
            inside = exists[:, None] & pixel_read[None, :]
            asked = inside
            if kept_target is not None:
                asked = inside & (tl.load(kept_target + entry + c, exists, 0) != 0)[:, None]
            x = _scores(logits, c[:, None] * logits_class + pixel[None, :] * logits_pixel, inside, exists, ACC)
            t = _masks(target, target_sample + c[:, None] * target_class + pixel[None, :] * target_pixel, label, c,
                       asked, INDEX, ACC)  # fmt: skip
            v = _slope(t, by_hit, by_extra, by_missed, entry + c, exists)
            before = largest
            largest = tl.maximum(largest, tl.max(x, 0))
            finite = tl.where(largest == float("-inf"), 0, largest)
            share = tl.exp(x - finite[None, :])
            total = total * tl.exp(before - finite) + tl.sum(share, 0)
            mean = mean * tl.exp(before - finite) + tl.sum(share * v, 0)
        mean /= total

    for start in range(first, last, CLASSES):
        c = (start + tl.arange(0, CLASSES)).to(tl.int64)
        exists = c < classes
        inside = exists[:, None] & pixel_read[None, :]
        asked = inside
        if kept_target is not None:
            asked = inside & (tl.load(kept_target + entry + c, exists, 0) != 0)[:, None]
            if not SOFTMAX:
                inside = asked
        x = _scores(logits, c[:, None] * logits_class + pixel[None, :] * logits_pixel, inside, exists, ACC)
        t = _masks(target, target_sample + c[:, None] * target_class + pixel[None, :] * target_pixel, label, c, asked,
                   INDEX, ACC)  # fmt: skip
        p, q = _probabilities(x, largest, total, SOFTMAX)
        stored = exists[:, None] & (pixel < pixels)[None, :]
        if gradient is not None:
            v = _slope(t, by_hit, by_extra, by_missed, entry + c, exists)
            slope = p * (v - mean[None, :]) if SOFTMAX else p * q * v
            at = sample * gradient_sample + c[:, None] * gradient_class + pixel[None, :] * gradient_pixel
            tl.store(gradient + at, tl.where(inside, slope, 0).to(gradient.dtype.element_ty), stored)
        if target_gradient is not None:
            given = tl.load(by_hit + entry + c, exists, 0) - tl.load(by_extra + entry + c, exists, 0)
            slope = p * given[:, None] + q * tl.load(by_missed + entry + c, exists, 0)[:, None]
            at = (sample * target_gradient_sample + c[:, None] * target_gradient_class
                  + pixel[None, :] * target_gradient_pixel)  # fmt: skip
            tl.store(target_gradient + at, tl.where(asked, slope, 0).to(target_gradient.dtype.element_ty), stored)


@dataclass
class _Masks:
    """What both passes read."""

    logits: Tensor  # (batch, classes, pixels)
    target: Tensor  # the same, or class indices (batch, pixels)
    kept_logits: Tensor | None  # bool, (batch, classes)
    kept_target: Tensor | None
    ignore_index: int
    softmax: bool
    dtype: torch.dtype  # of everything computed

    @property
    def index(self) -> bool:
        return not self.target.is_floating_point()

    def tile(self) -> tuple[int, int]:
        """Classes and pixels of a tile: whole classes where they meet in a softmax or lie side by side in memory."""
        _, classes, pixels = self.logits.shape
        side_by_side = self.softmax or (self.logits.stride(1) == 1 and classes > 1)
        most = LARGEST_CLASSES if side_by_side else max(1, TILE // power_of_2(pixels))
        c = min(power_of_2(classes), most)
        return c, max(1, min(power_of_2(pixels), TILE // c))


def _strides(tensor: Tensor | None) -> tuple[int, ...]:
    """Strides for sample, class and pixel."""
    if tensor is None:
        return (0, 0, 0)
    return tensor.stride() if tensor.dim() == 3 else (tensor.stride(0), 0, tensor.stride(1))


def _launch_sums(masks: _Masks) -> Tensor:
    batch, classes, pixels = masks.logits.shape
    c, s = masks.tile()
    groups, needed = cdiv(classes, c), cdiv(pixels, s)
    tiles_each = max(1, min(needed * groups * batch // PROGRAMS, 64))
    chunks = cdiv(needed, tiles_each)
    sums = masks.logits.new_empty(3, batch, classes, chunks, dtype=masks.dtype)
    launch(
        _sums_kernel, chunks * groups * batch, sums, masks.logits, masks.target, masks.kept_logits, masks.kept_target,
        sums, batch * classes, classes, pixels, tiles_each, chunks, *_strides(masks.logits), *_strides(masks.target),
        masks.ignore_index, SOFTMAX=masks.softmax, INDEX=masks.index,
        ACC=kernel_dtype(masks.dtype), CLASSES=c, PIXELS=s, num_warps=8,
    )  # fmt: skip
    return sums.sum(3)


def _launch_gradients(masks: _Masks, slopes: Tensor, gradient: Tensor | None, target_gradient: Tensor | None) -> None:
    batch, classes, pixels = masks.logits.shape
    c, s = masks.tile()
    tiles = cdiv(pixels, s)
    launch(
        _gradient_kernel, tiles * (1 if masks.softmax else cdiv(classes, c)) * batch, slopes, masks.logits,
        masks.target, masks.kept_logits, masks.kept_target, *slopes.unbind(), gradient, target_gradient, classes,
        pixels, tiles, *_strides(masks.logits), *_strides(masks.target), *_strides(gradient),
        *_strides(target_gradient), masks.ignore_index,
        SOFTMAX=masks.softmax, INDEX=masks.index, ACC=kernel_dtype(masks.dtype),
        CLASSES=c, PIXELS=s, num_warps=8,
    )  # fmt: skip


def _wanted(masks: _Masks, o: slice, i: slice) -> tuple[Tensor, Tensor, Tensor]:
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


def _given(masks: _Masks, o: slice, i: slice, out: Tensor | None) -> Tensor:
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


def _sums_by_blocks(masks: _Masks, p_of_all: Tensor | None) -> Tensor:
    """Do the same in tensor operations; leave the probabilities in ``p_of_all``."""
    sums = masks.logits.new_zeros(3, *masks.logits.shape[:2], dtype=torch.float64)
    zero = sums.new_zeros((), dtype=masks.dtype)
    for o, i in tiles(*masks.logits.shape):
        p = _given(masks, o, i, None if p_of_all is None else p_of_all[o, :, i])
        t, ignored, _ = _wanted(masks, o, i)
        if masks.index:
            at_class = p.gather(1, t)
            sums[0, o].scatter_add_(1, t.squeeze(1), at_class.squeeze(1).double())
            sums[2, o].scatter_add_(1, t.squeeze(1), (1 - at_class).masked_fill_(ignored, 0).squeeze(1).double())
            sums[1, o] += p.scatter_(1, t, 0.0).sum(2)
            p.scatter_(1, t, at_class)
        else:
            scratch = p * t
            sums[0, o] += scratch.sum(2)
            sums[1, o] += torch.lerp(p, zero, t, out=scratch).sum(2)
            sums[2, o] += torch.lerp(t, zero, p, out=scratch).sum(2)
    return sums.to(masks.dtype)


def _gradients_by_blocks(
    masks: _Masks, slopes: Tensor, gradient: Tensor | None, target_gradient: Tensor | None, p_of_all: Tensor | None
) -> None:
    by_hit, by_extra, by_missed = slopes[..., None]
    one = slopes.new_ones(())
    for o, i in tiles(*masks.logits.shape):
        p = _given(masks, o, i, None) if p_of_all is None else p_of_all[o, :, i]
        hit, extra, missed = by_hit[o], by_extra[o], by_missed[o]
        if target_gradient is not None:
            target_gradient[o, :, i] = torch.sub(one, p).mul_(missed).addcmul_(p, hit - extra)
        if gradient is None:
            continue
        t, _, _ = _wanted(masks, o, i)
        if masks.index:
            v = extra.expand_as(p).contiguous().scatter_(1, t, (hit - missed).expand_as(p).gather(1, t))
        else:
            v = torch.sub(one, t).mul_(extra).addcmul_(t, hit - missed)
        if masks.softmax:
            v.sub_((p * v).sum(1, keepdim=True))
            p.mul_(v)
        else:
            torch.ops.aten.sigmoid_backward.grad_input(v, p, grad_input=p)
        if p_of_all is None:
            gradient[o, :, i] = p


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
    masks = _Masks(logits, target, kept_logits, kept_target, ignore_index, softmax, dtype)
    p_of_all = gradient if wanted[0] and gradient.dtype == dtype else None  # from the first pass to the second

    hit, extra, missed = _launch_sums(masks) if run_kernels(logits) else _sums_by_blocks(masks, p_of_all)
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
            _launch_gradients(masks, slopes, *into)
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
    differentiate(op, gradients=("logits", "target"))
    return op


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
    loss, _, _ = op(
        input.flatten(2), target.flatten(2) if target.is_floating_point() else target.flatten(1), entry, divisor,
        activation == "softmax", ignore_index, hits, alpha, beta, smooth, None, reduction != "none",
        gradients_now(reduction, input, target),
    )  # fmt: skip
    return as_result_dtype(loss, *floats)
