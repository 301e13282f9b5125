"""Divergence of Kullback and Leibler between two sets of logits: `_divergence.py` has its derivation and kernel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..distillation import kl_div_with_logits as readable
from ._divergence import buffers, divergence, kl_rows
from ._op import differentiate, fused, reduce_rows


@torch.library.custom_op("lossbook::kl_div_with_logits", mutates_args=())
def _kl_div_with_logits(input: Tensor, target: Tensor, row_weight: Tensor | None, divisor: Tensor | None,
                        temperature: float, upstream: Tensor | None, reduced: bool,
                        wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Logits (outer, classes, inner) of the student and the teacher; the others as rows (outer * inner,)."""
    loss, gradient = buffers(input, target, False, wanted)
    kl_rows(input, target, temperature, row_weight, divisor, upstream, loss, gradient if wanted[0] else None)
    return reduce_rows(loss, divisor, reduced), gradient


@_kl_div_with_logits.register_fake
def _fake(input: Tensor, target: Tensor, row_weight: Tensor | None, divisor: Tensor | None, temperature: float,
          upstream: Tensor | None, reduced: bool, wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:  # fmt: skip
    return buffers(input, target, reduced, wanted)


_differentiable = differentiate(_kl_div_with_logits, gradients=("input",))


@fused(readable.kl_div_with_logits, gradients=("input",))
def kl_div_with_logits(input, target, *, temperature, sample_weight, normalizer, reduction):
    """Fused: keeps nothing of the size of the logits but the gradient, and reads both from memory once."""
    return divergence(
        _differentiable, input, target, temperature,
        sample_weight=sample_weight, normalizer=normalizer, reduction=reduction,
    )  # fmt: skip


class KLDivWithLogitsLoss(readable.KLDivWithLogitsLoss, of=kl_div_with_logits):
    """``lossbook.KLDivWithLogitsLoss`` with the fused kernel."""
