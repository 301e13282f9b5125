"""Divergence of Kullback and Leibler between two linear maps, in chunks of rows: all logits are never in memory."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from .._core import entry_weight
from .._core.autocast import no_autocast
from .._core.linear_map import check_map, check_two_maps
from ..distillation import linear_kl_div as readable
from ._divergence import kl_rows
from ._linear import LinearMap, chunks, empty_gradients, product_dtype, split_scale
from ._op import as_result_dtype, differentiate, fused, number, reduce_rows, times_upstream
from ._triton import accumulator

# As in the linear cross entropy: the divergence of a chunk of rows gives the gradient G for the logits X W^T + b of the
# student, and G W, G^T X and the sum of G over rows are the gradients of X, W and b. The teacher costs one product.


@torch.library.custom_op("lossbook::linear_kl_div", mutates_args=())
def _linear_kl_div(input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None, target_input: Tensor,
                   target_weight: Tensor, target_bias: Tensor | None, row_weight: Tensor | None,
                   divisor: Tensor | None, dtype: torch.dtype, target_dtype: torch.dtype, temperature: float,
                   upstream: Tensor | None, reduced: bool, wanted: Sequence[bool],
                   ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Features (rows, in_features) and maps to as many logits."""
    rows = input.shape[0]
    loss = input.new_empty(rows, dtype=accumulator(torch.promote_types(dtype, target_dtype)))
    each, late, share = upstream, None, divisor
    if reduced:
        each, (share, late) = None, split_scale(divisor, upstream, dtype, row_weight)

    def part(tensor: Tensor | None, of: slice) -> Tensor | None:
        return tensor if tensor is None or tensor.dim() == 0 else tensor[of]

    with no_autocast(input):
        student = LinearMap(input, linear_weight, linear_bias, dtype, wanted)
        teacher = LinearMap(target_input, target_weight, target_bias, target_dtype, [False] * 3)
        for chunk in chunks(student, teacher):
            logits = student.logits(chunk)[..., None]
            slope = student.slope(logits)
            weight = part(row_weight, chunk)
            kl_rows(logits, teacher.logits(chunk)[..., None], temperature, weight, share, part(each, chunk),
                    loss[chunk], slope)  # fmt: skip
            if slope is not None:
                student.add(chunk, slope, None if weight is None else weight == 0)
        made = student.gradients()
    d_input, d_weight, d_bias = made if late is None else [times_upstream(g, late) for g in made]
    return reduce_rows(loss, divisor, reduced), d_input, d_weight, d_bias


@_linear_kl_div.register_fake
def _fake(input: Tensor, linear_weight: Tensor, linear_bias: Tensor | None, target_input: Tensor,
          target_weight: Tensor, target_bias: Tensor | None, row_weight: Tensor | None,
          divisor: Tensor | None, dtype: torch.dtype, target_dtype: torch.dtype, temperature: float,
          upstream: Tensor | None, reduced: bool, wanted: Sequence[bool],
          ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    wide = accumulator(torch.promote_types(dtype, target_dtype))
    d_input, d_weight, d_bias = empty_gradients(input, linear_weight, linear_bias, wanted)
    return input.new_empty(() if reduced else input.shape[0], dtype=wide), d_input, d_weight, d_bias


_differentiable = differentiate(_linear_kl_div, gradients=("input", "linear_weight", "linear_bias"))


@fused(readable.linear_kl_div, gradients=("input", "linear_weight", "linear_bias"))
def linear_kl_div(
    input,
    linear_weight,
    target_input,
    target_weight,
    *,
    linear_bias,
    target_bias,
    temperature,
    sample_weight,
    normalizer,
    reduction,
):
    """Fused: holds the logits of a chunk of rows at a time, and only what the gradients asked for need of them.

    The student alone gets a gradient; a teacher that requires one is refused. Features of samples that weigh zero may
    be NaN.
    """
    check_map(input=input, linear_weight=linear_weight, linear_bias=linear_bias)
    check_map(target_input=target_input, target_weight=target_weight, target_bias=target_bias)
    check_two_maps(input, linear_weight, target_input, target_weight)
    leading = input.shape[:-1]
    many = math.prod(leading)
    entry = entry_weight(sample_weight, leading)
    dtypes = product_dtype(input, linear_weight), product_dtype(target_input, target_weight)
    wide = input.new_empty((), dtype=accumulator(torch.promote_types(*dtypes)))
    row_weight = None if entry is None else entry.flatten().to(wide.dtype)
    divisor = None
    if reduction == "mean":
        count = many if row_weight is None else row_weight.sum()
        divisor = number(count if normalizer is None else normalizer, wide)
    reduced = reduction != "none"
    needed = [
        t is not None and t.requires_grad and torch.is_grad_enabled() and reduced
        for t in (input, linear_weight, linear_bias)
    ]
    (loss,) = _differentiable(
        input.reshape(many, input.shape[-1]), linear_weight, linear_bias,
        target_input.reshape(many, target_input.shape[-1]), target_weight, target_bias, row_weight, divisor,
        *dtypes, temperature, None, reduced, needed,
    )  # fmt: skip
    return as_result_dtype(loss if reduced else loss.view(leading), input, target_input)


class LinearKLDivLoss(readable.LinearKLDivLoss, of=linear_kl_div):
    """``lossbook.LinearKLDivLoss`` with the fused kernel."""
