"""Cosine embedding loss: vectors that point the same way, or do not."""

import torch
from torch import Tensor

from .._core import (
    EntryWeight,
    Loss,
    Normalizer,
    Number,
    Real,
    Reduction,
    Sign,
    check,
    entry_weight,
    formula,
    kept,
    reduce,
)
from ._signs import signs


@formula
def cosine_embedding_loss(
    input1: Real,
    input2: Real,
    target: Sign,
    *,
    margin: Number = 0.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for similar pairs of vectors to point the same way, and for dissimilar ones to point apart.

    .. math::

        \ell = \begin{cases}
            1 - \cos & y = 1 \\
            \max(0,\; \cos - m) & y = -1
        \end{cases}
        \qquad \cos = \frac{a \cdot b}{\sqrt{(\lVert a \rVert^2 + \varepsilon)\,(\lVert b \rVert^2 + \varepsilon)}}
        \qquad \varepsilon = 10^{-12}

    with a = input1, b = input2, y = target and m = margin.

    Args:
        input1: first vector of each pair, shape (features,) or (batch, features), any real.
        input2: second vector of each pair, same shape as ``input1``.
        target: 1 for similar pairs, -1 for dissimilar ones, floating point or integer, shape () or (batch,);
            ``2 * y - 1`` makes it from 0 and 1.
        margin: cosine below which a dissimilar pair costs nothing; -1 to 1 make sense, 0 to 0.5 are usual.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``target``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss without unit, in the dtype of the inputs; 0 to 2, but for rounding, for a margin of at least -1.

    Raises:
        ValueError: ``margin`` is not finite, ``reduction`` is unknown, shapes do not fit, or (on CPU) a target is not
            -1 or 1.
        TypeError: ``input1`` or ``input2`` is not a floating-point tensor, or ``target`` is complex or bool.

    Note:
        torch's epsilon gives the zero vector the cosine 0 and a gradient that is finite but huge, up to 1e6 for a
        feature. Large vectors are divided by their largest entry first: their squares overflow from 1.8e19 on in
        float32, where torch gives NaN.

    Example:
        >>> import torch
        >>> from lossbook.functional import cosine_embedding_loss
        >>> one, other = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [3.0, 3.0]])
        >>> cosine_embedding_loss(one, other, torch.tensor([1, -1]), reduction="none")
        tensor([1.0000, 0.7071])

    References:
        J. Bromley et al. (1993), Signature Verification using a "Siamese" Time Delay Neural Network, section 4: the
        cosine of two outputs, with the target 1 or another. https://doi.org/10.1142/S0218001493000339
    """
    check.same_shape(input1=input1, input2=input2)
    if input1.dim() not in (1, 2):
        raise ValueError(f"input1 must have shape (features,) or (batch, features); got {tuple(input1.shape)}")
    if input1.shape[-1] == 0:
        raise ValueError(f"input1 must have at least one feature; got {tuple(input1.shape)}")
    check.shape("target", target, input1.shape[:-1], "one for each pair of vectors")
    entry = entry_weight(sample_weight, target.shape)
    one, inverse_norm1 = _shrunk(kept(entry, input1, dim=-1))
    other, inverse_norm2 = _shrunk(kept(entry, input2, dim=-1))
    cosine = (one * other).sum(-1) * (inverse_norm1 * inverse_norm2)
    loss = torch.where(signs(target, entry) > 0, 1 - cosine, (cosine - margin).clamp_min(0))
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


def _shrunk(vector: Tensor) -> tuple[Tensor, Tensor]:
    """Divide by the largest entry where that is above 1, and give the inverse of the norm that is left."""
    # The cosine does not depend on this factor, so neither does its derivative.
    factor = vector.detach().abs().amax(-1, keepdim=True).clamp(min=1)
    vector = vector / factor
    return vector, (vector.square().sum(-1) + 1e-12 / factor.squeeze(-1).square()).rsqrt()


class CosineEmbeddingLoss(Loss, of=cosine_embedding_loss):
    """Module form of :func:`lossbook.functional.cosine_embedding_loss`."""

    def __init__(self, *, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(margin=margin, reduction=reduction)
