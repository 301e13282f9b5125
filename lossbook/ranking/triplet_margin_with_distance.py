"""Triplet margin loss with a distance of the caller's own."""

from collections.abc import Callable
from typing import Annotated, Any

import torch
from torch import Tensor

from .._core import (
    EntryWeight,
    Flag,
    Loss,
    Normalizer,
    Positive,
    Real,
    Reduction,
    check,
    entry_weight,
    formula,
    kept,
    reduce,
)
from .._core.kinds import kind
from ._distance import distance

Distance = Callable[[Tensor, Tensor], Tensor]


def check_callable(name: str, value: Any) -> Any:
    """Refuse what cannot be called."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} must be callable or None; got {value!r}")
    return value


@formula
def triplet_margin_with_distance_loss(
    anchor: Real,
    positive: Real,
    negative: Real,
    *,
    distance_function: Annotated[Distance | None, check_callable] = None,
    margin: Positive = 1.0,
    swap: Flag = False,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for each anchor to lie nearer to its positive than to its negative, in any distance.

    .. math::

        \ell = \max\bigl(0,\; m + d(a, p) - d(a, n)\bigr)
        \qquad d = \text{distance\_function} \qquad m = \text{margin}

    with a = anchor, p = positive, n = negative; ``swap`` puts min(d(a, n), d(p, n)) in the place of d(a, n).

    Args:
        anchor: vectors, images, ..., shape (features,) or (batch, ...), any real.
        positive: what belongs near the anchors, same shape.
        negative: what belongs far from the anchors, same shape.
        distance_function: takes two tensors of that shape and gives the distances, floating point, in the shape of
            the leading dimensions: () for (features,), else (batch,) or more, but not all of them. None takes the
            Euclidean distance over the last dimension, with torch's 1e-6 added to each component of the difference.
        margin: lead beyond which a triplet costs nothing, in units of the distance, greater than 0.
        swap: whether the negative keeps its distance from the positive too.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of the distances; "mean" divides the sum by the number of triplets, or by
            the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in units of the distance, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: ``margin`` is not greater than 0, ``reduction`` is unknown, shapes differ, or the distances do not
            have the shape of leading dimensions.
        TypeError: ``distance_function`` is not callable, ``swap`` is not a bool, a vector is not a floating-point
            tensor, or a distance is not.

    Note:
        A distance that takes the square root of 0 for equal vectors makes the gradient NaN, even of triplets that
        cost nothing (inf times 0): put a small number below the root, or take ``torch.linalg.vector_norm``.

    Example:
        >>> import torch
        >>> from lossbook.functional import triplet_margin_with_distance_loss
        >>> def city_block(one, other):
        ...     return (one - other).abs().sum(-1)
        >>> anchor, positive, negative = torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([[0.0, 2.5]])
        >>> triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=city_block)
        tensor(0.5000)

    References:
        V. Balntas, E. Riba, D. Ponsa, K. Mikolajczyk (2016), Learning local feature descriptors with triplets and
        shallow convolutional neural networks: the loss, and swap as anchor swap. https://doi.org/10.5244/C.30.119
    """
    check.same_shape(anchor=anchor, positive=positive, negative=negative)
    if anchor.dim() == 0:
        raise ValueError("anchor must have shape (features,) or (batch, ...); got a 0-d tensor")
    entry = entry_weight(sample_weight, anchor.shape[:-1])
    anchor, positive, negative = (kept(entry, vectors, dim=-1) for vectors in (anchor, positive, negative))
    measure = distance if distance_function is None else distance_function
    near, far = (_measured(measure, anchor, other) for other in (positive, negative))
    if swap:
        far = torch.minimum(far, _measured(measure, positive, negative))
    entry = entry_weight(sample_weight, near.shape)
    return reduce((margin + near - far).clamp_min(0), reduction, weight=entry, normalizer=normalizer)


def _measured(measure: Distance, one: Tensor, other: Tensor) -> Tensor:
    """Call the distance function and refuse what it must not return."""
    found = measure(one, other)
    kind(Real)("the result of distance_function", found)
    shape, given = tuple(one.shape), tuple(found.shape)
    if given not in [shape[:leading] for leading in range(min(1, len(shape) - 1), len(shape))]:
        raise ValueError(
            f"distance_function must return one distance for each triplet, for instance of shape {shape[:-1]} for "
            f"tensors of shape {shape}; got {given}"
        )
    return found


class TripletMarginWithDistanceLoss(Loss, of=triplet_margin_with_distance_loss):
    """Module form of :func:`lossbook.functional.triplet_margin_with_distance_loss`."""

    def __init__(
        self,
        *,
        distance_function: Distance | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(distance_function=distance_function, margin=margin, swap=swap, reduction=reduction)
