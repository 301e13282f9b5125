"""Log-cosh loss: squared near the target, absolute far from it, and smooth everywhere."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, Real, Reduction, formula, kept, paired, reduce


@formula
def log_cosh_loss(
    input: Real,
    target: Real,
    *,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for small errors quadratically and for large errors linearly, with every derivative continuous.

    .. math::

        \ell(e) = \log \cosh e \qquad \ell'(e) = \tanh e \qquad e = \text{input} - \text{target}

    Args:
        input: prediction, any shape, any real number; scale it so that an error of 1 is where outliers begin.
        target: observation, same shape as ``input``.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss without a unit, in the dtype of the inputs; at least 0, and smaller than the absolute error.

    Raises:
        ValueError: ``reduction`` is unknown, or shapes differ.
        TypeError: ``input`` or ``target`` is not a floating-point tensor.

    Note:
        The units of the errors matter: for another scale s take ``s**2 * log_cosh_loss(input / s, target / s)``.
        Where cosh is computed as such it overflows at an error of 89 in float32. The usual form without it,
        ``|e| + softplus(-2 |e|) - log 2``, gives 0 for an error of 1e-4 (right: 5e-9) and a second derivative
        of 0 at 0 (right: 1), so near 0 another form is taken here.

    Example:
        >>> import torch
        >>> from lossbook.functional import log_cosh_loss
        >>> log_cosh_loss(torch.tensor([1e-4, 2.0, 100.0]), torch.zeros(3), reduction="none")
        tensor([5.0000e-09, 1.3250e+00, 9.9307e+01])

    References:
        R. A. Saleh, A. K. Md. E. Saleh (2022), Statistical Properties of the log-cosh Loss Function Used in Machine
        Learning. https://arxiv.org/abs/2208.04564
    """
    entry = paired(input, target, sample_weight=sample_weight)
    error = kept(entry, input) - kept(entry, target)
    near = error.abs() < 1
    # cosh e = 1 + 2 sinh(e/2)^2, which keeps the digits of a small error; far away it would overflow.
    small = torch.log1p(2 * torch.sinh(error.masked_fill(~near, 0.0) / 2).square())
    large = error.abs() + F.softplus(-2 * error.abs()) - math.log(2)
    return reduce(torch.where(near, small, large), reduction, weight=entry, normalizer=normalizer)


class LogCoshLoss(Loss, of=log_cosh_loss):
    """Module form of :func:`lossbook.functional.log_cosh_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
