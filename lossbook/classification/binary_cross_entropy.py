"""Binary cross entropy of probabilities."""

import math

import torch
from torch import Tensor

from .._core import (
    BinaryLabel,
    EntryWeight,
    Loss,
    Normalizer,
    Probability,
    Reduction,
    Weight,
    check_domain,
    formula,
    kept,
    paired,
    reduce,
)
from ._factors import check_factors


@formula
def binary_cross_entropy(
    input: Probability,
    target: BinaryLabel,
    *,
    weight: Weight | None = None,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the probability with which a yes-or-no event happens.

    .. math::

        \ell = -w\,\bigl(t \log p + (1 - t) \log (1 - p)\bigr) \qquad p = \text{input} \qquad t = \text{target}

    Both logarithms end at -100.

    Args:
        input: probability that the event happens, any shape, in [0, 1]. A sigmoid of logits loses what the loss needs:
            use ``binary_cross_entropy_with_logits`` on the logits themselves.
        target: 0 or 1, or a probability in [0, 1]; bool, integer or floating point, same shape as ``input``.
        weight: factor w on each entry, of a shape that broadcasts to ``input``; not a class weight. It does not
            change the count.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs; at least the entropy of ``target``, so 0 for targets 0 and 1.

    Raises:
        ValueError: ``reduction`` is unknown, shapes differ, or (on CPU) ``input`` or ``target`` leaves [0, 1].
        TypeError: ``input`` or ``weight`` is not a floating-point tensor, or ``target`` complex.

    Note:
        Keras clamps probabilities to 1e-7, so that nothing costs more than 16.1.
        At p = 0 and t = 1 the loss is 100 and its gradient -1e12, as in torch, and no sum of losses turns infinite.
        Everywhere else the gradient is the true one, (p - t) / (p (1 - p)); torch divides by at least 1e-12. An
        input outside [0, 1] gives NaN where values are not checked (see ``check_values``).

    Example:
        >>> import torch
        >>> from lossbook.functional import binary_cross_entropy
        >>> binary_cross_entropy(torch.tensor([0.9, 0.1, 0.0]), torch.ones(3), reduction="none")
        tensor([  0.1054,   2.3026, 100.0000])

    References:
        C. M. Bishop (2006), Pattern Recognition and Machine Learning, equation 4.90.
        https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/
    """
    entry = paired(input, target, sample_weight=sample_weight)
    check_factors(input, weight=weight)
    input, target = kept(entry, input, fill=0.5), kept(entry, target)
    check_domain("input", input, Probability)
    check_domain("target", target, BinaryLabel)
    dtype = torch.promote_types(input.dtype, target.dtype)
    input, target = input.to(dtype), target.to(dtype)
    # Where p is 0 the logarithm continues as a line through -100 of slope 1e12: a clamp there would stop the gradient.
    # Below the smallest normal number 1 / p overflows, so such a p counts as 0.
    zero = input.abs() < max(math.exp(-100), torch.finfo(dtype).tiny)
    one = input == 1
    log_p = torch.where(zero, 1e12 * input - 100, input.masked_fill(zero, 1.0).log())
    log_not_p = torch.where(one, 1e12 * (1 - input) - 100, torch.log1p(-input.masked_fill(one, 0.0)))
    loss = -torch.lerp(log_not_p, log_p, target)
    if weight is not None:
        loss = loss * weight
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class BCELoss(Loss, of=binary_cross_entropy):
    """Module form of :func:`lossbook.functional.binary_cross_entropy`."""

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(weight=weight, reduction=reduction)
