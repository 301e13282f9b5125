"""The kernels of the overlap losses, Dice and Tversky: one pass over the pixels for sums, one for gradients."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ._math import sigmoid
from ._triton import cdiv, kernel_dtype, launch, power_of_2, tl, triton

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
class Masks:
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


def launch_sums(masks: Masks) -> Tensor:
    """Add up H, E and F of each sample and class."""
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


def launch_gradients(masks: Masks, slopes: Tensor, gradient: Tensor | None, target_gradient: Tensor | None) -> None:
    """Write the gradients, given the slopes of the loss by H, E and F."""
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
