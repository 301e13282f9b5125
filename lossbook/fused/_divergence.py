"""Divergences between the softmaxes of two sets of logits, row by row: what their kernels share, and that of KL."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .._core import check, entry_weight
from .._core.classes import entry_shape
from ._blocks import as_rows, in_parallel, tiles
from ._op import as_result_dtype, gradients_now, number
from ._triton import accumulator, cdiv, dense, kernel_dtype, launch, power_of_2, run_kernels, tl, triton

LARGEST_BLOCK = 16384  # classes in the registers of a program at once

# One row: logits x of the student, t of the teacher, both divided by the temperature T.
#
#   log q_c = (x_c - max x) / T - log sum_k exp((x_k - max x) / T)               log p_c from t in the same way
#   loss = T^2 sum_c p_c (log p_c - log q_c)                                     0 where p_c = 0
#   d loss / d x_c = T (q_c - p_c)
#
# The maximum goes before the division, so an offset that all classes share leaves no rounding behind.
# The first pass finds both maxima and both sums, block by block, relative to running maxima. The second pass walks
# backwards, as what was read last is still in the cache, and makes the loss and the gradient from the same p and q.
# The first pass could add up the loss as well, as sum_c p_c (t_c - x_c) / T and the difference of the two log sums.
# But those cancel where student and teacher agree, and nothing would be saved: the gradient needs the second pass.


@triton.jit
def log_sum(x, largest, total, inverse):
    """Add a block to a running sum of exponentials relative to the running maximum."""
    before = largest
    largest = tl.maximum(largest, tl.max(x, 1))
    finite = tl.where(largest == float("-inf"), 0, largest)  # a whole block of -inf adds nothing
    total = total * tl.exp((before - finite) * inverse) + tl.sum(tl.exp((x - finite[:, None]) * inverse), 1)
    return largest, total


@triton.jit
def log_sums(student, teacher, student_class, teacher_class, read, classes, inverse,
             ACC: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr):  # fmt: skip
    """The first pass: of student and teacher, the largest logit and the logarithm of the sum relative to it."""
    largest_x = tl.full([ROWS], float("-inf"), ACC)
    largest_t = tl.full([ROWS], float("-inf"), ACC)
    total_x = tl.zeros([ROWS], ACC)
    total_t = tl.zeros([ROWS], ACC)
    for start in range(0, classes, BLOCK):
        c = (start + tl.arange(0, BLOCK)).to(tl.int64)[None, :]
        inside = read[:, None] & (c < classes)
        x = tl.load(student + c * student_class, inside, float("-inf")).to(ACC)
        t = tl.load(teacher + c * teacher_class, inside, float("-inf")).to(ACC)
        largest_x, total_x = log_sum(x, largest_x, total_x, inverse)
        largest_t, total_t = log_sum(t, largest_t, total_t, inverse)
    return largest_x, tl.log(total_x), largest_t, tl.log(total_t)


@triton.jit
def log_share(logits, stride, c, inside, largest, log_total, inverse, ACC: tl.constexpr):
    """Logarithm of the softmax, -inf outside."""
    x = tl.load(logits + c * stride, inside, float("-inf")).to(ACC)
    return (x - largest[:, None]) * inverse - log_total[:, None]


@triton.jit
def slope_scale(row, counted, divisor, upstream, UPSTREAM_EACH: tl.constexpr, ACC: tl.constexpr):
    """Give what arrives at a counted row: its share of the mean, times the upstream gradient."""
    scale = tl.where(counted, 1.0, 0.0).to(ACC)
    if divisor is not None:
        scale /= tl.load(divisor).to(ACC)
    if UPSTREAM_EACH:
        scale *= tl.load(upstream + row, counted, 0).to(ACC)
    elif upstream is not None:
        scale *= tl.load(upstream).to(ACC)
    return tl.where(counted, scale, 0)


@triton.jit
def _kernel(student, teacher, row_weight, divisor, upstream, loss, gradient, rows, classes, inner,
            student_outer, student_class, student_inner, teacher_outer, teacher_class, teacher_inner,
            gradient_outer, gradient_class, gradient_inner, temperature,
            UPSTREAM_EACH: tl.constexpr, ACC: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr):  # fmt: skip
    """One program takes ROWS rows."""
    row = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    exists = row < rows
    outer, place = row // inner, row % inner
    student += (outer * student_outer + place * student_inner)[:, None]
    teacher += (outer * teacher_outer + place * teacher_inner)[:, None]
    gradient_row = (outer * gradient_outer + place * gradient_inner)[:, None]
    T = tl.load(temperature)
    inverse = 1 / T

    weight = tl.where(exists, 1.0, 0.0).to(ACC)
    if row_weight is not None:
        weight = tl.load(row_weight + row, exists, 0).to(ACC)
    counted = weight != 0
    scale = T * weight * slope_scale(row, counted, divisor, upstream, UPSTREAM_EACH, ACC)
    largest_x, log_total_x, largest_t, log_total_t = log_sums(
        student, teacher, student_class, teacher_class, counted, classes, inverse, ACC, ROWS, BLOCK
    )
    value = tl.zeros([ROWS], ACC)
    for back in range(0, classes, BLOCK):
        c = ((classes - 1) // BLOCK * BLOCK - back + tl.arange(0, BLOCK)).to(tl.int64)[None, :]
        inside = counted[:, None] & (c < classes)
        log_q = log_share(student, student_class, c, inside, largest_x, log_total_x, inverse, ACC)
        log_p = log_share(teacher, teacher_class, c, inside, largest_t, log_total_t, inverse, ACC)
        p = tl.exp(log_p)
        value += tl.sum(tl.where(inside & (p != 0), p * (log_p - log_q), 0), 1)
        if gradient is not None:
            slope = tl.where((scale != 0)[:, None], scale[:, None] * (tl.exp(log_q) - p), 0)
            at = gradient_row + c * gradient_class
            tl.store(gradient + at, slope.to(gradient.dtype.element_ty), exists[:, None] & (c < classes))
    tl.store(loss + row, tl.where(counted, T * T * weight * value, 0), exists)


def _formula(log_q: Tensor, log_p: Tensor, with_slope: bool) -> tuple[Tensor, Tensor | None]:
    """The divergence of each row and T times its slope, for T = 1; it may overwrite what it gets."""
    p = log_p.exp()
    log_p.sub_(log_q).masked_fill_(p == 0, 0)
    value = log_p.mul_(p).sum(1)
    return value, log_q.exp_().sub_(p) if with_slope else None


def kl_rows(student: Tensor, teacher: Tensor, temperature: float, row_weight: Tensor | None, divisor: Tensor | None,
            upstream: Tensor | None, loss: Tensor, gradient: Tensor | None) -> None:  # fmt: skip
    """Write the weighted divergence of each row into ``loss``, and the gradient for the student.

    Args:
        student: logits, shape (outer, classes, inner), any strides; rows of classes as ``rows[..., None]``.
        teacher: logits, same shape.
        temperature: divisor of both.
        row_weight: shape (outer * inner,); rows of weight 0 are not read, and get 0.
        divisor: 0-d, what the gradient is divided by; the loss is not.
        upstream: gradient that arrives at the loss, 0-d or of the shape of ``loss``; None stands for 1.
        loss: where the losses go, shape (outer * inner,), contiguous, float32, or float64 to compute in it.
        gradient: where the gradient goes, of the shape of ``student``; it may be ``student`` itself. None makes none.
    """
    divergence_rows(_kernel, _formula, student, teacher, temperature, row_weight, divisor, upstream, loss, gradient)


def divergence_rows(kernel: Any, formula: Callable[[Tensor, Tensor, bool], tuple[Tensor, Tensor | None]],
                    student: Tensor, teacher: Tensor, temperature: float, row_weight: Tensor | None,
                    divisor: Tensor | None, upstream: Tensor | None, loss: Tensor, gradient: Tensor | None,
                    *settings: float) -> None:  # fmt: skip
    """Run a divergence as a kernel, with further settings, or as tensor operations, one block of rows at a time."""
    outer, classes, inner = student.shape
    row_weight, upstream = dense(row_weight, upstream)
    if run_kernels(student):
        block = min(power_of_2(classes), LARGEST_BLOCK)
        rows_each = max(1, 2048 // block)
        launch(
            kernel, cdiv(outer * inner, rows_each), student,
            student, teacher, row_weight, divisor, upstream, loss, gradient, outer * inner, classes, inner,
            *student.stride(), *teacher.stride(), *((0, 0, 0) if gradient is None else gradient.stride()),
            *(number(setting, loss) for setting in (temperature, *settings)),
            UPSTREAM_EACH=upstream is not None and upstream.dim() > 0,
            ACC=kernel_dtype(loss.dtype), ROWS=rows_each, BLOCK=block,
            num_warps=32 if block > 4096 else 8,  # few rows at a time, so that they are in the cache at the second pass
        )  # fmt: skip
        return

    weight = loss.new_ones(()) if row_weight is None else row_weight.to(loss.dtype)
    dropped = weight == 0
    scale = weight if upstream is None else weight * upstream
    scale = temperature * (scale if divisor is None else scale / divisor)
    scale = scale.masked_fill(dropped, 0).expand(outer * inner).view(outer, inner)

    def one_tile(tile: tuple[slice, slice]) -> None:
        o, i = tile
        log_q, log_p = [_log_softmax(logits[o, :, i], temperature, loss.dtype) for logits in (student, teacher)]
        value, slope = formula(log_q, log_p, gradient is not None)
        loss.view(outer, inner)[o, i] = value.view(-1, i.stop - i.start)
        if gradient is not None and slope is not None:
            each = scale[o, i].flatten()
            slope.mul_(each[:, None])
            nothing = each == 0
            if nothing.is_cuda or nothing.any():
                slope.masked_fill_(nothing[:, None], 0)
            gradient[o, :, i] = slope.view(o.stop - o.start, i.stop - i.start, classes).movedim(-1, 1)

    in_parallel(one_tile, list(tiles(outer, classes, inner)), student)
    loss.mul_(temperature * temperature * weight).masked_fill_(dropped, 0)


def _log_softmax(logits: Tensor, temperature: float, dtype: torch.dtype) -> Tensor:
    """Fresh rows (outer * inner, classes) of logarithms of the softmax."""
    rows = logits.movedim(1, -1).flatten(0, 1).to(dtype)
    if temperature != 1 and logits.shape[1]:
        rows = (rows - rows.amax(1, keepdim=True)).mul_(1 / temperature)
    return torch.log_softmax(rows, 1)


def buffers(student: Tensor, teacher: Tensor, reduced: bool, wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:
    """What an operator returns, unfilled: the loss and the gradient for the student."""
    dtype = accumulator(torch.promote_types(student.dtype, teacher.dtype))
    loss = student.new_empty(() if reduced else (student.shape[0] * student.shape[2],), dtype=dtype)
    return loss, torch.empty_like(student) if wanted[0] else student.new_empty(0)


def divergence(op: Any, input: Tensor, target: Tensor, *settings: float, sample_weight: Tensor | None,
               normalizer: Tensor | float | None, reduction: str) -> Tensor:  # fmt: skip
    """Check the tensors, call the operator, and give the loss its shape and dtype."""
    check.same_shape(input=input, target=target)
    shape = entry_shape(input)
    entry = entry_weight(sample_weight, shape)
    rows = as_rows(input)
    widest = target if target.dtype == torch.float64 else input
    weight = None if entry is None else entry.flatten().to(accumulator(widest.dtype))
    divisor = None
    if reduction == "mean":
        count = rows.shape[0] * rows.shape[2] if weight is None else weight.sum()
        divisor = number(count if normalizer is None else normalizer, widest)
    wanted = gradients_now(reduction, input)
    (loss,) = op(rows, as_rows(target), weight, divisor, *settings, None, reduction != "none", wanted)
    return as_result_dtype(loss if reduction != "none" else loss.view(shape), input, target)
