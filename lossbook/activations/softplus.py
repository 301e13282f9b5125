"""Softplus: a positive number from any real one."""

import torch
from torch import Tensor

from .._core import Activation, Number, Positive, Real, formula


@formula
def softplus(input: Real, *, beta: Positive = 1.0, threshold: Number = 20.0) -> Tensor:
    r"""Turn a real number into a positive one, smoothly, for a rate, a scale or a variance.

    .. math::

        s(x) = \begin{cases}
            \tfrac1\beta \log(1 + e^{\beta x}) & \beta x \le \text{threshold} \\
            x & \beta x > \text{threshold}
        \end{cases}
        \qquad s'(x) = \sigma(\beta x)
        \qquad x = \text{input}

    Args:
        input: any shape, any real number or plus or minus infinity.
        beta: sharpness of the bend at 0, in units of one over ``input``, greater than 0; the value at 0 is
            log(2) / beta.
        threshold: product of ``beta`` and ``input`` above which the result is ``input`` itself.

    Returns:
        Values of at least 0, shape and dtype of ``input``.

    Raises:
        ValueError: ``beta`` is not greater than 0, or one of the two is not finite.
        TypeError: ``input`` is not a floating-point tensor.

    Note:
        Above the default threshold the exact value is larger by less than exp(-20) / beta, about 2e-9, and the second
        derivative is 0. The form below the threshold does not overflow, so a threshold of 1e9 switches it off.
        The result is 0 where exp(beta x) underflows: below -104 in float32, -745 in float64, -17 in float16.
        ``soft_margin_loss(x, y)`` is ``softplus(-y * x)``, and ``-logsigmoid(x)`` is ``softplus(-x)``.

    Example:
        >>> import torch
        >>> from lossbook.functional import softplus
        >>> softplus(torch.tensor([-20.0, 0.0, 100.0]))
        tensor([2.0612e-09, 6.9315e-01, 1.0000e+02])

    References:
        C. Dugas et al. (2001), Incorporating Second-Order Functional Knowledge for Better Option Pricing, section 3.
        https://papers.nips.cc/paper/1920-incorporating-second-order-functional-knowledge-for-better-option-pricing
    """
    scaled = beta * input
    positive = (scaled > 0).to(scaled.dtype)
    small = torch.exp((1 - 2 * positive) * scaled)
    smooth = (torch.relu(scaled) + torch.log1p(small)) / beta  # at 0 both terms are of the branch below
    return torch.where(scaled > threshold, input, smooth)


class Softplus(Activation, of=softplus):
    """Module form of :func:`lossbook.functional.softplus`."""

    def __init__(self, *, beta: float = 1.0, threshold: float = 20.0) -> None:
        super().__init__(beta=beta, threshold=threshold)
