"""Log sigmoid: a logit as a log-probability."""

import torch
from torch import Tensor

from .._core import Activation, Real, formula


@formula
def logsigmoid(input: Real) -> Tensor:
    r"""Turn a logit into the logarithm of its probability.

    .. math::

        \log \sigma(x) = \min(x, 0) - \log(1 + e^{-|x|}) \qquad (\log\sigma)'(x) = \sigma(-x)
        \qquad x = \text{input}

    Args:
        input: logits, any shape, any real number or plus or minus infinity.

    Returns:
        Log-probabilities, at most 0, shape and dtype of ``input``.

    Raises:
        TypeError: ``input`` is not a floating-point tensor.

    Note:
        ``sigmoid(x).log()`` is -inf below -104 in float32, where the sigmoid underflows; here -200 gives -200.
        The result reaches 0 only where exp(-x) underflows. ``binary_cross_entropy_with_logits(x, y)`` is
        ``-(y * logsigmoid(x) + (1 - y) * logsigmoid(-x))``; it and the soft margin losses contain this function.

    Example:
        >>> import torch
        >>> from lossbook.functional import logsigmoid
        >>> logsigmoid(torch.tensor([-200.0, 0.0, 0.5]))
        tensor([-200.0000,   -0.6931,   -0.4741])
    """
    positive = (input >= 0).to(input.dtype)
    small = torch.exp((1 - 2 * positive) * input)
    return -torch.relu(-input) - torch.log1p(small)  # at 0 both terms are of the branch above


class LogSigmoid(Activation, of=logsigmoid):
    """Module form of :func:`lossbook.functional.logsigmoid`."""

    def __init__(self) -> None:
        super().__init__()
