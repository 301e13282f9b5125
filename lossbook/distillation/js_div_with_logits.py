"""Jensen-Shannon divergence between the distributions of two sets of logits: distillation."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .._core import (
    EntryWeight,
    Logits,
    Loss,
    Normalizer,
    OpenShare,
    Positive,
    Reduction,
    check,
    entry_weight,
    formula,
    kept,
    reduce,
)
from .._core.classes import class_dim, entry_shape


@formula
def js_div_with_logits(
    input: Logits,
    target: Logits,
    *,
    temperature: Positive = 1.0,
    beta: OpenShare = 0.5,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask a student for the softmax of its teacher, at a price that stays finite where the two exclude each other.

    .. math::

        \ell_n = T^2 \sum_c \Bigl(\beta\, p_{nc} \log \frac{p_{nc}}{m_{nc}}
        + (1 - \beta)\, q_{nc} \log \frac{q_{nc}}{m_{nc}}\Bigr) \qquad m = \beta\, p + (1 - \beta)\, q

    .. math::

        p = \operatorname{softmax}(\text{target} / T) \qquad q = \operatorname{softmax}(\text{input} / T)

    Args:
        input: logits of the student, shape (classes,), (batch, classes) or (batch, classes, d1, ..., dK), any real.
        target: logits of the teacher, floating point, same shape as ``input``; -inf for a class that the teacher
            rules out. Compute them under ``torch.no_grad()``, or a gradient flows to them too.
        temperature: divisor T > 0 of both sets of logits; a higher one gives the small probabilities more say.
        beta: share of the teacher in the mixture m, between 0 and 1, both excluded. Close to 0 the loss is beta times
            KL(p‖q), close to 1 it is 1 - beta times KL(q‖p).
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input`` without classes; "mean" divides the sum by the number of entries,
            or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats times T², in the dtype of the inputs; at least 0, and 0 where both softmaxes agree. At most T²
        times the entropy of beta, which is log 2 for one half. To the rounding of log-probabilities: in float32 a
        divergence below 1e-6 is noise, its gradient is not.

    Raises:
        ValueError: ``reduction`` is unknown, ``temperature`` or ``beta`` is out of range, or shapes differ.
        TypeError: ``input`` or ``target`` is not a floating-point tensor.

    Note:
        The classes are in dimension 1, as in :func:`cross_entropy`: logits of shape (batch, time, classes) need
        ``flatten(0, 1)`` first, or the softmax runs over time. An entry is a distribution, so "mean" does not divide by
        the number of classes. A class that one of the two
        rules out with a logit of -inf, or both, has a finite loss and gradient. Where the two exclude each other on
        every class the loss is flat: the student learns nothing there.
        TRL and Liger do not multiply by T^2: divide by it to get theirs.

    Example:
        >>> import torch
        >>> from lossbook.functional import js_div_with_logits
        >>> student = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, -torch.inf]])
        >>> teacher = torch.tensor([[2.0, 0.0, -torch.inf], [-torch.inf, -torch.inf, 0.0]])
        >>> js_div_with_logits(student, teacher, reduction="none")
        tensor([0.0961, 0.6931])

    References:
        J. Lin (1991), Divergence Measures Based on the Shannon Entropy, equation 4.1.
        https://doi.org/10.1109/18.61115
        R. Agarwal et al. (2024), On-Policy Distillation of Language Models, equation 1.
        https://arxiv.org/abs/2306.13649
    """
    check.same_shape(input=input, target=target)
    dim = class_dim(input)
    entry = entry_weight(sample_weight, entry_shape(input))
    # exp(-1e4) is 0 in every dtype, so the clamp changes nothing, except that -inf - -inf would be NaN.
    log_q = torch.log_softmax(kept(entry, input, dim=dim) / temperature, dim).clamp_min(-1e4)
    log_p = torch.log_softmax(kept(entry, target, dim=dim) / temperature, dim).clamp_min(-1e4)
    # The odds that a class drawn from m came from p: log (βp / m) = logsigmoid(log odds), and no exp overflows.
    log_odds = (log_p + math.log(beta)) - (log_q + math.log1p(-beta))
    from_p = beta * log_p.exp() * (F.logsigmoid(log_odds) - math.log(beta))
    from_q = (1 - beta) * log_q.exp() * (F.logsigmoid(-log_odds) - math.log1p(-beta))
    loss = temperature * temperature * (from_p + from_q).sum(dim)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class JSDivWithLogitsLoss(Loss, of=js_div_with_logits):
    """Module form of :func:`lossbook.functional.js_div_with_logits`."""

    def __init__(self, *, temperature: float = 1.0, beta: float = 0.5, reduction: str = "mean") -> None:
        super().__init__(temperature=temperature, beta=beta, reduction=reduction)
