"""Gaussian negative log likelihood: a prediction and its variance."""

import math

import torch
from torch import Tensor

from .._core import check
from .._core.module import Loss
from .._core.reduce import entry_weight, formula, kept, reduce


@formula
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    *,
    full: bool = False,
    eps: float = 1e-6,
    sample_weight: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    reduction: str = "mean",
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
            that shape with one dimension replaced by 1, that shape without its last dimension, or a number.
        full: whether to add the constant that makes the loss a log density.
        eps: floor under the variance, in squared units of the target, at least 0.
        sample_weight: bool, or float of at least 0, in the shape of the unreduced loss or its leading dimensions.
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

    Example:
        >>> import torch
        >>> from lossbook.functional import gaussian_nll_loss
        >>> gaussian_nll_loss(torch.tensor([2.0, 2.0]), torch.zeros(2), torch.tensor([4.0, 1.0]), reduction="none")
        tensor([1.1931, 2.0000])

    References:
        D. A. Nix and A. S. Weigend (1994), Estimating the Mean and Variance of the Target Probability Distribution.
        https://doi.org/10.1109/ICNN.1994.374138
    """
    _check_options(full=full, eps=eps, reduction=reduction)
    check.reduction(reduction, normalizer)
    check.floating(input=input, target=target)
    check.same_shape(input=input, target=target)
    var = _variance(var, input)
    entry = entry_weight(sample_weight, input.shape)
    error = kept(entry, input) - kept(entry, target)
    var = var if entry is None else kept(entry, var.expand(input.shape))
    check.values("var", var, lambda v: ~(v < 0), "a variance, at least 0", interval=True)
    # Lifted to eps by a constant, because a clamp would stop the gradient.
    fixed = var.detach()
    var = var + (eps - fixed).clamp(min=0).masked_fill(fixed < 0, torch.nan)
    loss = 0.5 * (var.log() + error * error / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


def _variance(var: Tensor | float, input: Tensor) -> Tensor:
    """Give ``var`` a shape that broadcasts to the one of ``input``."""
    if not isinstance(var, Tensor):
        check.not_negative(var=var)
        return input.new_full((), var)
    check.floating(input=input, var=var)
    shape, given = tuple(input.shape), tuple(var.shape)
    if given == shape[:-1] and shape:
        return var.unsqueeze(-1)
    differ = [size for size, wanted in zip(given, shape, strict=False) if size != wanted]
    if len(given) != len(shape) or differ not in ([], [1]):
        raise ValueError(
            f"var must be a number or have the shape of input, {shape}, with one dimension replaced by 1 or "
            f"the last one left out; got {given}"
        )
    return var


def _check_options(*, full: bool, eps: float, reduction: str) -> None:
    check.flag(full=full)
    check.not_negative(eps=eps)
    check.reduction(reduction)


class GaussianNLLLoss(Loss):
    """Module form of :func:`lossbook.functional.gaussian_nll_loss`."""

    settings = ("full", "eps", "reduction")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__()
        _check_options(full=full, eps=eps, reduction=reduction)
        self.full = full
        self.eps = eps
        self.reduction = reduction

    def forward(
        self,
        input: Tensor,
        target: Tensor,
        var: Tensor | float,
        *,
        sample_weight: Tensor | None = None,
        normalizer: Tensor | float | None = None,
    ) -> Tensor:
        return gaussian_nll_loss(
            input,
            target,
            var,
            full=self.full,
            eps=self.eps,
            sample_weight=sample_weight,
            normalizer=normalizer,
            reduction=self.reduction,
        )
