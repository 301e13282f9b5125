"""L1 loss: the absolute error."""

from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, Real, Reduction, formula, kept, paired, reduce


@formula
def l1_loss(
    input: Real,
    target: Real,
    *,
    weight: EntryWeight | None = None,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the median: every error pulls with the same force, however large it is.

    .. math::

        \ell(e) = |e| \qquad e = \text{input} - \text{target}

    Args:
        input: prediction, any shape, any real number in the units of the target.
        target: observation, same shape as ``input``.
        weight: torch's name for a ``sample_weight`` of the full shape; give one of the two.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in the units of the target, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: ``reduction`` is unknown, or shapes differ.
        TypeError: ``input`` or ``target`` is not a floating-point tensor.

    Note:
        The gradient is -1 or 1 and, by convention, 0 at an exact hit: it does not shrink on the way to the target.

    Example:
        >>> import torch
        >>> from lossbook.functional import l1_loss
        >>> l1_loss(torch.tensor([0.5, 10.0]), torch.zeros(2), reduction="none")
        tensor([ 0.5000, 10.0000])

    References:
        R. Koenker and G. Bassett (1978), Regression Quantiles: the quantile 1/2.
        https://doi.org/10.2307/1913643
    """
    entry = paired(input, target, weight=weight, sample_weight=sample_weight)
    loss = (kept(entry, input) - kept(entry, target)).abs()
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class L1Loss(Loss, of=l1_loss):
    """Module form of :func:`lossbook.functional.l1_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
