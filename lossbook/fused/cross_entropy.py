"""Cross entropy of logits, with the gradient made while the logits are at hand."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import torch
from torch import Tensor

from .._core import Flag, check, entry_weight, kept
from .._core.classes import (
    check_class_values,
    check_class_weight,
    check_probabilities,
    class_dim,
    entry_shape,
    takes_probabilities,
)
from ..classification import cross_entropy as readable
from ._blocks import as_rows
from ._cross_entropy import count, cross_entropy_rows
from ._op import as_result_dtype, differentiate, fused, gradients_now, number, reduce_rows
from ._triton import accumulator


@torch.library.custom_op("lossbook::cross_entropy", mutates_args=())
def _cross_entropy(logits: Tensor, target: Tensor, class_weight: Tensor | None, row_weight: Tensor | None,
                   divisor: Tensor | None, ignore_index: int, smoothing: float, softcap: float, z_loss: float,
                   with_lse: bool, upstream: Tensor | None, lse_upstream: Tensor | None, reduced: bool,
                   wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """Logits (outer, classes, inner); everything else as rows (outer * inner,), but probabilities as the logits."""
    loss, lse, gradient = _fake(logits, target, class_weight, row_weight, divisor, ignore_index, smoothing, softcap,
                                z_loss, with_lse, upstream, lse_upstream, False, wanted)  # fmt: skip
    cross_entropy_rows(
        logits, target, class_weight, row_weight, divisor, ignore_index, smoothing, softcap, z_loss, upstream,
        lse_upstream if with_lse else None, loss, lse if with_lse else None, gradient if wanted[0] else None,
    )  # fmt: skip
    return reduce_rows(loss, divisor, reduced), lse, gradient


@_cross_entropy.register_fake
def _fake(logits: Tensor, target: Tensor, class_weight: Tensor | None, row_weight: Tensor | None,
          divisor: Tensor | None, ignore_index: int, smoothing: float, softcap: float, z_loss: float,
          with_lse: bool, upstream: Tensor | None, lse_upstream: Tensor | None, reduced: bool,
          wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    rows, dtype = logits.shape[0] * logits.shape[2], accumulator(logits.dtype)
    return (
        logits.new_empty(() if reduced else (rows,), dtype=dtype),
        logits.new_empty(rows if with_lse else 0, dtype=dtype),
        torch.empty_like(logits) if wanted[0] else logits.new_empty(0),
    )


_differentiable = differentiate(_cross_entropy, gradients=("logits",), also=("lse_upstream",))


_readable: Callable[..., Any] = readable.cross_entropy  # which has no return_lse: the overloads give the signature


@overload
def cross_entropy(
    input: Tensor, target: Tensor, *, weight: Tensor | None = ..., ignore_index: int = ...,
    label_smoothing: float = ..., softcap: float | None = ..., z_loss: float = ..., return_lse: Literal[False] = ...,
    sample_weight: Tensor | None = ..., normalizer: Tensor | float | None = ..., reduction: str = ...,
) -> Tensor: ...  # fmt: skip


@overload
def cross_entropy(
    input: Tensor, target: Tensor, *, weight: Tensor | None = ..., ignore_index: int = ...,
    label_smoothing: float = ..., softcap: float | None = ..., z_loss: float = ..., return_lse: Literal[True],
    sample_weight: Tensor | None = ..., normalizer: Tensor | float | None = ..., reduction: str = ...,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip


@fused(_readable, gradients=("input",))
def cross_entropy(
    input, target, *, weight, ignore_index, label_smoothing, softcap, z_loss, return_lse: Flag = False, sample_weight,
    normalizer, reduction,
):  # fmt: skip
    """Fused: keeps nothing of the size of the logits but their gradient, and reads them from memory once.

    ``return_lse=True`` returns the logarithm of the sum of exponentials of the (capped) logits as well, in float32 or
    wider and of the shape of the unreduced loss, differentiable: ``loss, lse = cross_entropy(..., return_lse=True)``.
    """
    check_class_weight(input, weight)
    dim = class_dim(input)
    classes = input.shape[dim]
    entry = entry_weight(sample_weight, entry_shape(input))
    if takes_probabilities(input, target, ignore_index):
        if check.values_are_checked(target):
            check_probabilities(kept(entry, target, fill=1 / max(classes, 1), dim=dim), dim)
        rows = as_rows(target)
    else:
        check_class_values(kept(entry, target, fill=0), classes, ignore_index)
        rows = target.flatten()
    row_weight = None if entry is None else entry.flatten().to(accumulator(input.dtype))
    divisor = None
    if reduction == "mean":
        divisor = (
            count(input, rows, weight, row_weight, ignore_index) if normalizer is None else number(normalizer, input)
        )
    wanted = [False] if return_lse else gradients_now(reduction, input)
    loss, lse = _differentiable(
        as_rows(input), rows, weight, row_weight, divisor, ignore_index, label_smoothing, softcap or 0.0, z_loss,
        return_lse, None, None, reduction != "none", wanted,
    )  # fmt: skip
    loss = loss if reduction != "none" else loss.view(entry_shape(input))
    loss = as_result_dtype(loss, input, *([target] if target.is_floating_point() else []))
    return (loss, lse.view(entry_shape(input))) if return_lse else loss


class CrossEntropyLoss(readable.CrossEntropyLoss, of=cross_entropy):
    """``lossbook.CrossEntropyLoss`` with the fused kernel."""
