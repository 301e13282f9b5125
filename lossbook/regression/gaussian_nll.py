"""Gaussian negative log likelihood: a prediction and its variance."""

import math

import torch
from torch import Tensor

from .._core import (
    EntryWeight,
    Flag,
    Loss,
    Normalizer,
    NotNegative,
    NotNegativeReal,
    Real,
    Reduction,
    Variance,
    check_domain,
    formula,
    kept,
    paired,
    reduce,
)
from ._variance import variance


@formula
def gaussian_nll_loss(
    input: Real,
    target: Real,
    var: Variance,
    *,
    full: Flag = False,
    eps: NotNegative = 1e-6,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the mean of the target and for how far it scatters around that mean.

    .. math::

        \ell = \frac12 \left( \log v + \frac{(\text{input} - \text{target})^2}{v} \right)
            + [\text{full}]\, \tfrac12 \log 2\pi
        \qquad v = \max(\text{var}, \varepsilon)

    Args:
        input: mean of the target, any shape, any real number in the units of the target.
        target: observation, same shape as ``input``.
        var: variance (not standard deviation) in squared units of the target, at least 0: the shape of ``input``,
            that shape with dimensions replaced by 1, that shape without its last dimension, or one number, which may
            be a tensor and learned.
        full: whether to add the constant that makes the loss a log density.
        eps: floor under the variance, in squared units of the target, at least 0.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs; at least half the logarithm of ``eps``, so it may be negative: it
        measures a density, not a probability.

    Raises:
        ValueError: ``eps`` is negative, ``reduction`` is unknown, shapes do not fit, or (on CPU) ``var`` is negative.
        TypeError: ``full`` is not a bool, ``input`` or ``target`` is not a floating-point tensor, or ``var`` neither
            that nor a number.

    Note:
        The floor holds for the value; the gradient passes through it as if it were not there, so that a variance
        below ``eps`` is still pushed up (or down) by the slope at ``eps``: about -e^2 / (2 eps^2), which is -5e9
        for an error of 0.1. A negative variance gives NaN where values are not checked (see ``check_values``).
        SciPy's ``norm.logpdf`` takes the standard deviation: ``var=scale**2, full=True``.

    Example:
        >>> import torch
        >>> from lossbook.functional import gaussian_nll_loss
        >>> gaussian_nll_loss(torch.tensor([2.0, 2.0]), torch.zeros(2), torch.tensor([4.0, 1.0]), reduction="none")
        tensor([1.1931, 2.0000])

    References:
        D. A. Nix and A. S. Weigend (1994), Estimating the Mean and Variance of the Target Probability Distribution.
        https://doi.org/10.1109/ICNN.1994.374138
    """
    entry = paired(input, target, sample_weight=sample_weight)
    var = variance(var, input)
    error = kept(entry, input) - kept(entry, target)
    var = var if entry is None else kept(entry, var.expand(input.shape))
    check_domain("var", var, NotNegativeReal)
    # Lifted to eps by a constant, because a clamp would stop the gradient.
    fixed = var.detach()
    var = var + (eps - fixed).clamp(min=0).masked_fill(fixed < 0, torch.nan)
    loss = 0.5 * (var.log() + error * (error / var))
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class GaussianNLLLoss(Loss, of=gaussian_nll_loss):
    """Module form of :func:`lossbook.functional.gaussian_nll_loss`."""

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(full=full, eps=eps, reduction=reduction)
