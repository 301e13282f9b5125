"""Sigmoid: a logit as a probability."""

import torch
from torch import Tensor

from .._core import Activation, Real, formula


@formula
def sigmoid(input: Real) -> Tensor:
    r"""Turn a logit, the logarithm of the odds, into a probability.

    .. math::

        \sigma(x) = \frac{1}{1 + e^{-x}} \qquad \sigma' = \sigma (1 - \sigma) \qquad x = \text{input}

    Args:
        input: logits, any shape, any real number or plus or minus infinity.

    Returns:
        Probabilities in [0, 1], shape and dtype of ``input``.

    Raises:
        TypeError: ``input`` is not a floating-point tensor.

    Note:
        The result is exactly 1 from 37 on in float64, 17 in float32, 8.5 in float16 and 6.5 in bfloat16, while 0 is
        reached only where the exponential underflows. So take ``sigmoid(-x)`` rather than ``1 - sigmoid(x)``,
        ``logsigmoid(x)`` rather than its logarithm, and a loss that takes logits: ``binary_cross_entropy_with_logits``,
        ``soft_margin_loss`` and ``multilabel_soft_margin_loss`` contain the sigmoid already.

        Only exponentials of negative numbers are taken, because exp overflows at 89 in float32. The derivative is
        therefore right where the value has reached 1: torch's, made from the rounded value, is 0 there.

    Example:
        >>> import torch
        >>> from lossbook.functional import sigmoid
        >>> sigmoid(torch.tensor([-20.0, 0.0, 20.0]))
        tensor([2.0612e-09, 5.0000e-01, 1.0000e+00])
    """
    positive = (input >= 0).to(input.dtype)  # 1 or 0: each branch is the whole function, so every derivative is right
    small = torch.exp((1 - 2 * positive) * input)
    return (positive + (1 - positive) * small) / (1 + small)


class Sigmoid(Activation, of=sigmoid):
    """Module form of :func:`lossbook.functional.sigmoid`."""

    def __init__(self) -> None:
        super().__init__()
