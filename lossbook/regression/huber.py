"""Huber loss: squared near the target, absolute far from it."""

from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, Positive, Real, Reduction, clip, formula, kept, paired, reduce


@formula
def huber_loss(
    input: Real,
    target: Real,
    *,
    delta: Positive = 1.0,
    weight: EntryWeight | None = None,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for small errors quadratically and for large errors linearly, so that no outlier dominates.

    .. math::

        \ell(e) = \begin{cases}
            \tfrac12 e^2 & |e| \le \delta \\
            \delta\,(|e| - \tfrac12\delta) & |e| > \delta
        \end{cases}
        \qquad e = \text{input} - \text{target}

    Args:
        input: prediction, any shape, any real number in the units of the target.
        target: observation, same shape as ``input``.
        delta: error beyond which the loss grows linearly, in the units of the target, greater than 0.
        weight: torch's name for a ``sample_weight`` of the full shape; give one of the two.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in squared units of the target, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: ``delta`` is not greater than 0, ``reduction`` is unknown, or shapes differ.
        TypeError: ``input`` or ``target`` is not a floating-point tensor.

    Note:
        ``huber_loss(delta=d)`` is ``d * smooth_l1_loss(beta=d)``. With ``weight``, torch divides "mean" by the
        number of entries, though its mse_loss and l1_loss divide by the sum of the weights; here all three do.
        Paddle's ``smooth_l1_loss`` is this loss; scikit-learn's HuberRegressor minimises twice of it.

    Example:
        >>> import torch
        >>> from lossbook.functional import huber_loss
        >>> huber_loss(torch.tensor([0.5, 10.0]), torch.zeros(2), delta=1.0, reduction="none")
        tensor([0.1250, 9.5000])

    References:
        P. J. Huber (1964), Robust Estimation of a Location Parameter, equation 1.2.
        https://doi.org/10.1214/aoms/1177703732
    """
    entry = paired(input, target, weight=weight, sample_weight=sample_weight)
    error = kept(entry, input) - kept(entry, target)
    clipped = clip(error, -delta, delta)
    # One product covers both branches: clipped is the error within delta, and plus or minus delta beyond it.
    loss = clipped * (error - 0.5 * clipped)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class HuberLoss(Loss, of=huber_loss):
    """Module form of :func:`lossbook.functional.huber_loss`."""

    def __init__(self, *, delta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(delta=delta, reduction=reduction)
