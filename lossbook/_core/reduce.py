"""What every loss does with its entries: weigh them, drop some, and reduce them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from . import check
from .kinds import EntryWeight, check_domain


def paired(
    input: Tensor, target: Tensor, *, weight: Tensor | None = None, sample_weight: Tensor | None = None
) -> Tensor | None:
    """Refuse two shapes that differ, and give the weight of each entry.

    ``weight``, of the full shape, is torch's name for the same thing: one of the two.
    """
    check.same_shape(input=input, target=target)
    if weight is None:
        return entry_weight(sample_weight, input.shape)
    check.shape("weight", weight, tuple(input.shape), "that of input")
    if sample_weight is not None:
        raise ValueError("weight is torch's name for a sample_weight of the full shape: give one of the two, not both")
    check_domain("weight", weight, EntryWeight)
    return weight


def entry_weight(sample_weight: Tensor | None, shape: Sequence[int]) -> Tensor | None:
    """Broadcast ``sample_weight`` from the leading dimensions to the unreduced loss of shape ``shape``."""
    if sample_weight is None:
        return None
    leading = tuple(sample_weight.shape)
    if leading != tuple(shape[: len(leading)]):
        raise ValueError(
            f"sample_weight must have the shape of the unreduced loss, {tuple(shape)}, "
            f"or its leading dimensions; got {leading}"
        )
    check_domain("sample_weight", sample_weight, EntryWeight)
    return sample_weight.reshape(leading + (1,) * (len(shape) - len(leading))).expand(shape)


def kept(weight: Tensor | None, tensor: Tensor, *, fill: float = 1.0, dim: int | None = None) -> Tensor:
    """Put a harmless ``fill`` where the weight is zero, so that no NaN there reaches value or gradient.

    ``dim`` is the dimension, if any, that ``tensor`` has and the unreduced loss has not (classes, features).
    """
    if weight is None:
        return tensor
    dropped = weight == 0
    return tensor.masked_fill(dropped if dim is None else dropped.unsqueeze(dim), fill)


def reduce(
    loss: Tensor,
    reduction: str,
    *,
    weight: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    count: Tensor | None = None,
) -> Tensor:
    """Reduce an unreduced loss.

    "mean" divides the (weighted) sum by ``normalizer``, or else by what the entries count: 1 each, or ``count``
    each, times their weight. The mean of nothing is NaN; with ``normalizer`` it is 0.
    "batchmean" counts one for each entry of the first dimension.
    """
    if weight is not None:
        weight = weight.to(loss.dtype)
        loss = loss.masked_fill(weight == 0, 0.0) * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if normalizer is not None:
        return loss.sum() / normalizer
    if count is None and weight is None and reduction == "mean":
        return loss.mean()
    if weight is None:
        weight = loss.new_ones(()).expand(loss.shape)
    divisor = (weight if count is None else weight * count).sum()
    if reduction == "batchmean":
        divisor = divisor * ((loss.shape[0] if loss.dim() else 1) / max(loss.numel(), 1))
    nothing = divisor == 0  # the mean is NaN, and its gradient 0
    return (loss.sum() / divisor.masked_fill(nothing, 1.0)).masked_fill(nothing, torch.nan)
