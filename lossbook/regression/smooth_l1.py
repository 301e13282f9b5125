"""Smooth L1 loss: the absolute error with its corner rounded off."""

import torch
from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, NotNegative, Real, Reduction, clip, formula, kept, paired, reduce


@formula
def smooth_l1_loss(
    input: Real,
    target: Real,
    *,
    beta: NotNegative = 1.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for small errors gently and for large errors with a force of 1, whatever ``beta`` is.

    .. math::

        \ell(e) = \begin{cases}
            \tfrac{1}{2\beta} e^2 & |e| < \beta \\
            |e| - \tfrac12\beta & |e| \ge \beta
        \end{cases}
        \qquad e = \text{input} - \text{target}

    Args:
        input: prediction, any shape, any real number in the units of the target.
        target: observation, same shape as ``input``.
        beta: error below which the corner is rounded off, in the units of the target, at least 0; 0 is the L1 loss.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in the units of the target, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: ``beta`` is negative, ``reduction`` is unknown, or shapes differ.
        TypeError: ``input`` or ``target`` is not a floating-point tensor.

    Note:
        ``huber_loss(delta=d)`` is ``d * smooth_l1_loss(beta=d)``: they differ in scale only. As ``beta`` grows this
        loss vanishes, where the Huber loss turns into half the squared error.

    Example:
        >>> import torch
        >>> from lossbook.functional import smooth_l1_loss
        >>> smooth_l1_loss(torch.tensor([0.5, 10.0]), torch.zeros(2), beta=1.0, reduction="none")
        tensor([0.1250, 9.5000])

    References:
        R. Girshick (2015), Fast R-CNN, equation 3.
        https://doi.org/10.1109/ICCV.2015.169
    """
    entry = paired(input, target, sample_weight=sample_weight)
    error = kept(entry, input) - kept(entry, target)
    if beta < torch.finfo(error.dtype).tiny:  # 0, or so small that 1 / beta overflows
        loss = error.abs()
    else:
        # One product covers both branches: slope is error / beta within beta, and plus or minus 1 beyond it.
        slope = clip(error / beta, -1, 1)
        loss = slope * torch.sub(error, slope, alpha=0.5 * beta)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class SmoothL1Loss(Loss, of=smooth_l1_loss):
    """Module form of :func:`lossbook.functional.smooth_l1_loss`."""

    def __init__(self, *, beta: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(beta=beta, reduction=reduction)
