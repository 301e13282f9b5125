"""Cross entropy of a linear map, in chunks of rows: the logits of all rows are never in memory at once."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

import torch
from torch import Tensor

from .._core import Flag, check, entry_weight, kept
from .._core.autocast import no_autocast
from .._core.classes import (
    check_class_values,
    check_class_weight,
    check_probabilities,
    class_dim,
    takes_probabilities,
)
from .._core.linear_map import check_map_and_target
from ..classification import linear_cross_entropy as readable
from ._blocks import as_rows
from ._cross_entropy import count, cross_entropy_rows
from ._linear import LinearMap, chunks, empty_gradients, product_dtype, split_scale
from ._op import as_result_dtype, differentiate, fused, number, reduce_rows, times_upstream
from ._triton import accumulator

# Logits Z = X W^T + b, and G the gradient of the loss for them, which the cross entropy of a chunk of rows gives:
#
#   d loss / d X = G W        d loss / d W = G^T X = sum over chunks        d loss / d b = sum over rows of G
#
# So nothing of a chunk but its part of X's gradient outlives it.


@torch.library.custom_op("lossbook::linear_cross_entropy", mutates_args=())
def _linear_cross_entropy(input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None, target: Tensor,
                          class_weight: Tensor | None, row_weight: Tensor | None, divisor: Tensor | None,
                          classes: int, dtype: torch.dtype, ignore_index: int, smoothing: float, softcap: float,
                          z_loss: float, with_lse: bool, upstream: Tensor | None, lse_upstream: Tensor | None,
                          reduced: bool, wanted: Sequence[bool],
                          ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Features (rows, in_features), a map to classes * inner logits; everything else as for the cross entropy."""
    rows, inner = input.shape[0], linear_weight.shape[0] // classes
    loss = input.new_empty(rows * inner, dtype=accumulator(dtype))
    lse = torch.empty_like(loss) if with_lse else loss.new_empty(0)
    each, late, share = upstream, None, divisor
    if reduced and lse_upstream is None:  # one upstream gradient for all rows: the products are multiplied by it
        each, (share, late) = None, split_scale(divisor, upstream, dtype, row_weight, class_weight)
    dropped = _dropped(target, row_weight, lse_upstream, ignore_index, inner) if wanted[1] else None

    def part(tensor: Tensor | None, of: slice) -> Tensor | None:
        return tensor if tensor is None or tensor.dim() == 0 else tensor[of]

    with no_autocast(input):
        linear = LinearMap(input, linear_weight, linear_bias, dtype, wanted)
        for chunk in chunks(linear):
            entries = slice(chunk.start * inner, chunk.stop * inner)
            logits = linear.logits(chunk).view(-1, classes, inner)
            slope = linear.slope(logits)
            cross_entropy_rows(
                logits, target[chunk if target.is_floating_point() else entries],
                class_weight, part(row_weight, entries), share, ignore_index, smoothing, softcap, z_loss,
                part(each, entries), part(lse_upstream, entries) if with_lse else None, loss[entries],
                lse[entries] if with_lse else None, slope,
            )  # fmt: skip
            if slope is not None:
                linear.add(chunk, slope, part(dropped, chunk))
        made = linear.gradients()
    d_input, d_weight, d_bias = made if late is None else [times_upstream(g, late) for g in made]
    return reduce_rows(loss, divisor, reduced), lse, d_input, d_weight, d_bias


@_linear_cross_entropy.register_fake
def _fake(input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None, target: Tensor,
          class_weight: Tensor | None, row_weight: Tensor | None, divisor: Tensor | None,
          classes: int, dtype: torch.dtype, ignore_index: int, smoothing: float, softcap: float,
          z_loss: float, with_lse: bool, upstream: Tensor | None, lse_upstream: Tensor | None,
          reduced: bool, wanted: Sequence[bool],
          ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    entries, wide = input.shape[0] * (linear_weight.shape[0] // classes), accumulator(dtype)
    d_input, d_weight, d_bias = empty_gradients(input, linear_weight, linear_bias, wanted)
    return (
        input.new_empty(() if reduced else entries, dtype=wide),
        input.new_empty(entries if with_lse else 0, dtype=wide),
        d_input, d_weight, d_bias,
    )  # fmt: skip


_differentiable = differentiate(
    _linear_cross_entropy, gradients=("input", "linear_weight", "linear_bias"), also=("lse_upstream",)
)


def _dropped(
    target: Tensor, row_weight: Tensor | None, lse_upstream: Tensor | None, ignore_index: int, inner: int
) -> Tensor | None:
    """Say for each row whether none of its entries has a gradient; None where all have one."""
    counted = None if row_weight is None else row_weight != 0
    if not target.is_floating_point():
        known = target.long() != ignore_index  # uint8 would take 156 for -100
        counted = known if counted is None else known & counted
    if counted is None:
        return None
    if lse_upstream is not None:
        counted = counted | (lse_upstream != 0)
    return ~counted.view(-1, inner).any(1)


_readable: Callable[..., Any] = readable.linear_cross_entropy  # which has no return_lse: see the overloads


@overload
def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = ...,
    weight: Tensor | None = ..., ignore_index: int | None = ..., label_smoothing: float = ...,
    softcap: float | None = ..., z_loss: float = ..., return_lse: Literal[False] = ...,
    sample_weight: Tensor | None = ..., normalizer: Tensor | float | None = ..., reduction: str = ...,
) -> Tensor: ...  # fmt: skip


@overload
def linear_cross_entropy(
    input: Tensor, linear_weight: Tensor, target: Tensor, *, linear_bias: Tensor | None = ...,
    weight: Tensor | None = ..., ignore_index: int | None = ..., label_smoothing: float = ...,
    softcap: float | None = ..., z_loss: float = ..., return_lse: Literal[True],
    sample_weight: Tensor | None = ..., normalizer: Tensor | float | None = ..., reduction: str = ...,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip


@fused(_readable, gradients=("input", "linear_weight", "linear_bias"))
def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias, weight, ignore_index, label_smoothing, softcap, z_loss,
    return_lse: Flag = False, sample_weight, normalizer, reduction,
):  # fmt: skip
    """Fused: holds the logits of a chunk of rows at a time, and only what the gradients asked for need of them.

    The gradient of ``linear_weight`` is added up in float32, whatever the number of chunks. Features of entries that
    are ignored or weigh zero may be NaN.

    ``return_lse=True`` returns the logarithm of the sum of exponentials of the (capped) logits as well, in float32 or
    wider and of the shape of the unreduced loss, differentiable: ``loss, lse = linear_cross_entropy(...)``.
    """
    ignored = -100 if ignore_index is None else ignore_index
    check_map_and_target(input, linear_weight, target, linear_bias, ignore_index)
    (classes, *out_features), leading = linear_weight.shape[:-1], input.shape[:-1]
    shape = (*leading, *out_features)
    entry = entry_weight(sample_weight, shape)
    many = math.prod(leading)
    batch = (many,) if leading else ()  # all samples are one batch
    if entry is not None:
        entry = entry.reshape((*batch, *out_features))
    if len(leading) > 1:
        target = target.flatten(0, -2) if target.is_floating_point() else target.flatten()
    logits = input.new_empty(()).expand((*batch, classes, *out_features))  # their shape, with nothing behind it
    check_class_weight(logits, weight)
    if takes_probabilities(logits, target, ignored):
        if check.values_are_checked(target):
            dim = class_dim(logits)
            check_probabilities(kept(entry, target, fill=1 / max(classes, 1), dim=dim), dim)
        rows = as_rows(target)
    else:
        check_class_values(kept(entry, target, fill=0), classes, ignored)
        rows = target.flatten()
    row_weight = None if entry is None else entry.flatten().to(accumulator(input.dtype))
    divisor = None
    if reduction == "mean":
        divisor = count(logits, rows, weight, row_weight, ignored) if normalizer is None else number(normalizer, input)
    reduced = reduction != "none"
    needed = [
        t is not None and t.requires_grad and torch.is_grad_enabled() and reduced and not return_lse
        for t in (input, linear_weight, linear_bias)
    ]
    loss, lse = _differentiable(
        input.reshape(many, input.shape[-1]), linear_weight.flatten(0, -2),
        None if linear_bias is None else linear_bias.flatten(), rows, weight, row_weight, divisor, classes,
        product_dtype(input, linear_weight), ignored, label_smoothing, softcap or 0.0, z_loss, return_lse, None, None,
        reduced, needed,
    )  # fmt: skip
    loss = loss if reduced else loss.view(shape)
    loss = as_result_dtype(loss, input, *([target] if target.is_floating_point() else []))
    return (loss, lse.view(shape)) if return_lse else loss


class LinearCrossEntropyLoss(readable.LinearCrossEntropyLoss, of=linear_cross_entropy):
    """``lossbook.LinearCrossEntropyLoss`` with the fused kernel."""
