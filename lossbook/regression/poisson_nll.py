"""Poisson negative log likelihood: counts and their rate."""

import math

from torch import Tensor

from .._core import (
    Count,
    EntryWeight,
    Flag,
    Loss,
    Normalizer,
    NotNegative,
    Rate,
    Real,
    Reduction,
    check,
    check_domain,
    entry_weight,
    formula,
    kept,
    reduce,
    times,
)


@formula
def poisson_nll_loss(
    input: Real,
    target: Count,
    *,
    log_input: Flag = True,
    full: Flag = False,
    eps: NotNegative = 1e-8,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the rate, or its logarithm, at which events are counted.

    .. math::

        \ell = \lambda - k \log \lambda + [\text{full}]\, s(k) \qquad
        \log\lambda = \text{input}, \text{ or } \lambda = \text{input} \text{ and }
        \log\lambda = \log(\text{input} + \varepsilon)

    .. math::

        k = \text{target} \qquad
        s(k) = \begin{cases}
            k \log k - k + \tfrac12 \log(2\pi k) & k > 1 \\
            0 & k \le 1
        \end{cases}

    Args:
        input: logarithm of the rate, any shape, any real number; or, with ``log_input=False``, the rate itself, in
            events per observation, at least 0.
        target: number of events, same shape as ``input``, floating point or integer, at least 0.
        log_input: whether ``input`` is the logarithm of the rate.
        full: whether to add s(k), Stirling's approximation of log k!, which does not depend on ``input``.
        eps: added to the rate before its logarithm when ``log_input=False``, at least 0.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of ``input``; smallest where the rate is k, and there k - k log k, which is
        negative for k > e.

    Raises:
        ValueError: ``eps`` is negative, ``reduction`` is unknown, shapes differ, or (on CPU) a count or a rate is
            negative.
        TypeError: ``log_input`` or ``full`` is not a bool, ``input`` is not floating point, or ``target`` is neither
            floating point nor integer.

    Note:
        s(k) is torch's approximation: 0.6518 for k = 2, where log 2! is 0.6931. For exact log likelihoods add
        ``torch.lgamma(target + 1)`` instead. A log rate of -inf is right for a count of 0: the loss there is 0.
        The rate overflows float32 above a log rate of 88.7. Keras' Poisson is ``log_input=False, eps=1e-7``;
        scikit-learn's deviance is 2 (loss - k + k log k).

    Example:
        >>> import torch
        >>> from lossbook.functional import poisson_nll_loss
        >>> poisson_nll_loss(torch.tensor([3.0, 0.0]), torch.tensor([5, 0]), reduction="none")
        tensor([5.0855, 1.0000])

    References:
        A. C. Cameron and P. K. Trivedi (2013), Regression Analysis of Count Data, section 3.2.
        https://doi.org/10.1017/CBO9781139013567
    """
    check.same_shape(input=input, target=target)
    entry = entry_weight(sample_weight, input.shape)
    input = kept(entry, input)
    target = kept(entry, target if target.dtype.is_floating_point else target.to(input.dtype))
    check_domain("target", target, Count)
    if log_input:
        loss = input.exp() - times(target, input)
    else:
        check_domain("input", input, Rate)
        rate = input + eps
        if eps == 0:  # 0 log 0 is 0, but its slope would be 0 / 0
            rate = rate.masked_fill((rate == 0) & (target == 0), 1.0)
        loss = input - target * rate.log()
    if full:
        loss = loss + _stirling(target)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


def _stirling(target: Tensor) -> Tensor:
    small = target <= 1
    k = target.masked_fill(small, 1.0)
    return (k * k.log() - k + 0.5 * (2 * math.pi * k).log()).masked_fill(small, 0.0)


class PoissonNLLLoss(Loss, of=poisson_nll_loss):
    """Module form of :func:`lossbook.functional.poisson_nll_loss`."""

    def __init__(
        self, *, log_input: bool = True, full: bool = False, eps: float = 1e-8, reduction: str = "mean"
    ) -> None:
        super().__init__(log_input=log_input, full=full, eps=eps, reduction=reduction)
