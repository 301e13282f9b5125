"""Quantile loss: the pinball, whose two slopes set how often the prediction is too low."""

import torch
from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, OpenShares, Real, Reduction, check, formula, kept, paired, reduce


@formula
def quantile_loss(
    input: Real,
    target: Real,
    *,
    quantile: OpenShares = 0.5,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the value below which the given share of the targets falls.

    .. math::

        \ell(e) = \max(q\, e,\; (q - 1)\, e) \qquad e = \text{target} - \text{input} \qquad q = \text{quantile}

    Args:
        input: prediction of the quantile, any shape, any real number in the units of the target.
        target: observation, same shape as ``input``.
        quantile: share of the targets that shall fall below the prediction, in (0, 1), both excluded; a number,
            or a tensor of a shape that broadcasts to ``input`` from the last axis: three quantiles in shape (3,) go
            with predictions of shape (batch, 3), and with the target repeated to that shape.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in the units of the target, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: a ``quantile`` is not between 0 and 1 (a tensor: on CPU) or does not broadcast, ``reduction`` is
            unknown, or shapes differ.
        TypeError: ``input``, ``target`` or a tensor ``quantile`` is not a floating-point tensor.

    Note:
        The gradient is -q where the prediction is too low, 1 - q where it is too high and, by convention, 0 at an
        exact hit. With quantile 0.5 the loss is half of :func:`l1_loss`. Nothing keeps several quantiles of one
        target in order: their predictions may cross.

    Example:
        >>> import torch
        >>> from lossbook.functional import quantile_loss
        >>> quantile_loss(torch.tensor([0.0, 2.0]), torch.tensor([1.0, 1.0]), quantile=0.9, reduction="none")
        tensor([0.9000, 0.1000])

    References:
        R. Koenker and G. Bassett (1978), Regression Quantiles.
        https://doi.org/10.2307/1913643
    """
    entry = paired(input, target, sample_weight=sample_weight)
    if isinstance(quantile, Tensor):
        check.broadcastable("quantile", quantile, input.shape, "one for each entry")
        quantile = quantile.to(torch.promote_types(input.dtype, target.dtype))
    error = kept(entry, target) - kept(entry, input)
    # Of the two terms one is 0; together they have the gradient 0 at an exact hit, where max would split it.
    loss = quantile * torch.relu(error) + (1 - quantile) * torch.relu(-error)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class QuantileLoss(Loss, of=quantile_loss):
    """Module form of :func:`lossbook.functional.quantile_loss`."""

    def __init__(self, *, quantile: Tensor | float = 0.5, reduction: str = "mean") -> None:
        super().__init__(quantile=quantile, reduction=reduction)
