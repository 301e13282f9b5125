"""Jensen-Shannon divergence between two sets of logits."""

import functools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..distillation import js_div_with_logits as readable
from ._divergence import buffers, divergence, divergence_rows, log_share, log_sums, slope_scale
from ._math import log1p
from ._op import differentiate, fused, reduce_rows
from ._triton import tl, triton

# One row: p of the teacher and q of the student as in kl_div_with_logits, each with its share of the mixture m = P + Q:
#
#   log P_c = log p_c + log beta       log Q_c = log q_c + log(1 - beta)       z_c = log P_c - log Q_c
#   log(P_c / m_c) = min(z_c, 0) - l_c       log(Q_c / m_c) = -max(z_c, 0) - l_c       l_c = log(1 + exp(-|z_c|))
#   from_p_c = P_c (log(P_c / m_c) - log beta)       from_q_c = Q_c (log(Q_c / m_c) - log(1 - beta))
#   loss = T^2 sum_c (from_p_c + from_q_c)
#   d loss / d x_c = T (from_q_c - q_c sum_k from_q_k)
#
# The first pass finds the log sums, the second, backwards, the loss. The gradient needs the sum over k, which is known
# only then, so it takes a third pass, forwards again: each pass begins where the one before it has left the cache.
# Logarithms below -1e4 become -1e4, of which the exponential is 0 as well, so that z is never -inf - -inf.


@triton.jit
def _log_part(logits, stride, c, inside, largest, log_total, inverse, log_part, ACC: tl.constexpr):
    log = log_share(logits, stride, c, inside, largest, log_total, inverse, ACC) + log_part
    return tl.where(log < -1e4, -1e4, log)  # and NaN stays NaN


@triton.jit
def _kernel(student, teacher, row_weight, divisor, upstream, loss, gradient, rows, classes, inner,
            student_outer, student_class, student_inner, teacher_outer, teacher_class, teacher_inner,
            gradient_outer, gradient_class, gradient_inner, temperature, log_beta, log_rest,
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
    log_beta = tl.load(log_beta)
    log_rest = tl.load(log_rest)

    weight = tl.where(exists, 1.0, 0.0).to(ACC)
    if row_weight is not None:
        weight = tl.load(row_weight + row, exists, 0).to(ACC)
    counted = weight != 0
    scale = T * weight * slope_scale(row, counted, divisor, upstream, UPSTREAM_EACH, ACC)
    largest_x, log_total_x, largest_t, log_total_t = log_sums(
        student, teacher, student_class, teacher_class, counted, classes, inverse, ACC, ROWS, BLOCK
    )
    total_p = tl.zeros([ROWS], ACC)
    total_q = tl.zeros([ROWS], ACC)
    for back in range(0, classes, BLOCK):
        c = ((classes - 1) // BLOCK * BLOCK - back + tl.arange(0, BLOCK)).to(tl.int64)[None, :]
        inside = counted[:, None] & (c < classes)
        log_p = _log_part(teacher, teacher_class, c, inside, largest_t, log_total_t, inverse, log_beta, ACC)
        log_q = _log_part(student, student_class, c, inside, largest_x, log_total_x, inverse, log_rest, ACC)
        z = log_p - log_q
        both = log1p(tl.exp(-tl.abs(z)))
        total_p += tl.sum(tl.exp(log_p) * (tl.minimum(z, 0) - both - log_beta), 1)
        total_q += tl.sum(tl.exp(log_q) * (-tl.maximum(z, 0) - both - log_rest), 1)
    if gradient is not None:
        mean_q = total_q * tl.exp(-log_rest)
        for start in range(0, classes, BLOCK):
            c = (start + tl.arange(0, BLOCK)).to(tl.int64)[None, :]
            inside = counted[:, None] & (c < classes)
            log_p = _log_part(teacher, teacher_class, c, inside, largest_t, log_total_t, inverse, log_beta, ACC)
            log_q = _log_part(student, student_class, c, inside, largest_x, log_total_x, inverse, log_rest, ACC)
            z = log_p - log_q
            both = log1p(tl.exp(-tl.abs(z)))
            slope = tl.exp(log_q) * ((-tl.maximum(z, 0) - both - log_rest) - mean_q[:, None])
            slope = tl.where((scale != 0)[:, None], scale[:, None] * slope, 0)
            at = gradient_row + c * gradient_class
            tl.store(gradient + at, slope.to(gradient.dtype.element_ty), exists[:, None] & (c < classes))
    tl.store(loss + row, tl.where(counted, T * T * weight * (total_p + total_q), 0), exists)


def _formula(log_beta: float, log_rest: float, log_q: Tensor, log_p: Tensor,
             with_slope: bool) -> tuple[Tensor, Tensor | None]:  # fmt: skip
    """The divergence of each row and T times its slope, for T = 1; it may overwrite what it gets."""
    log_p.add_(log_beta).clamp_min_(-1e4)
    log_q.add_(log_rest).clamp_min_(-1e4)
    z = log_p - log_q
    both = z.abs().neg_().exp_().log1p_()
    from_p = z.clamp_max(0).sub_(both).sub_(log_beta).mul_(log_p.exp_())
    from_q = z.clamp_min_(0).add_(both).add_(log_rest).mul_(log_q.exp_()).neg_()
    total_q = from_q.sum(1)
    value = from_p.sum(1).add_(total_q)
    return value, from_q.sub_(log_q.mul_((total_q * math.exp(-log_rest))[:, None])) if with_slope else None


@torch.library.custom_op("lossbook::js_div_with_logits", mutates_args=())
def _js_div_with_logits(input: Tensor, target: Tensor, row_weight: Tensor | None, divisor: Tensor | None,
                        temperature: float, beta: float, upstream: Tensor | None, reduced: bool,
                        wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Logits (outer, classes, inner) of the student and the teacher; the others as rows (outer * inner,)."""
    loss, gradient = buffers(input, target, False, wanted)
    logs = math.log(beta), math.log1p(-beta)
    divergence_rows(
        _kernel, functools.partial(_formula, *logs), input, target, temperature, row_weight, divisor, upstream, loss,
        gradient if wanted[0] else None, *logs,
    )  # fmt: skip
    return reduce_rows(loss, divisor, reduced), gradient


@_js_div_with_logits.register_fake
def _fake(input: Tensor, target: Tensor, row_weight: Tensor | None, divisor: Tensor | None, temperature: float,
          beta: float, upstream: Tensor | None, reduced: bool, wanted: Sequence[bool],
          ) -> tuple[Tensor, Tensor]:  # fmt: skip
    return buffers(input, target, reduced, wanted)


_differentiable = differentiate(_js_div_with_logits, gradients=("input",))


@fused(readable.js_div_with_logits, gradients=("input",))
def js_div_with_logits(input, target, *, temperature, beta, sample_weight, normalizer, reduction):
    """Fused: keeps nothing of the size of the logits but the gradient, and reads both from memory once."""
    return divergence(
        _differentiable, input, target, temperature, beta,
        sample_weight=sample_weight, normalizer=normalizer, reduction=reduction,
    )  # fmt: skip


class JSDivWithLogitsLoss(readable.JSDivWithLogitsLoss, of=js_div_with_logits):
    """``lossbook.JSDivWithLogitsLoss`` with the fused kernel."""
