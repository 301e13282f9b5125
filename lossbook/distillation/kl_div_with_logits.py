"""Kullback-Leibler divergence between the distributions of two sets of logits: distillation."""

import torch
from torch import Tensor

from .._core import (
    EntryWeight,
    Logits,
    Loss,
    Normalizer,
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
def kl_div_with_logits(
    input: Logits,
    target: Logits,
    *,
    temperature: Positive = 1.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask a student for logits whose softmax is that of its teacher.

    .. math::

        \ell_n = T^2 \sum_c p_{nc}\, (\log p_{nc} - \log q_{nc}) \qquad
        p = \operatorname{softmax}(\text{target} / T) \qquad
        q = \operatorname{softmax}(\text{input} / T)

    Args:
        input: logits of the student, shape (classes,), (batch, classes) or (batch, classes, d1, ..., dK), any real.
        target: logits of the teacher, floating point, same shape as ``input``; -inf for a class that the teacher
            rules out. Compute them under ``torch.no_grad()``, or a gradient flows to them too.
        temperature: divisor T > 0 of both sets of logits; a higher one gives the small probabilities more say.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input`` without classes; "mean" divides the sum by the number of entries,
            or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats times T², in the dtype of the inputs; at least 0, and 0 where both softmaxes agree, to the
        rounding of log-probabilities: in float32 a divergence below 1e-7 is noise, its gradient is not.

    Raises:
        ValueError: ``reduction`` is unknown, ``temperature`` is not above 0, or shapes differ.
        TypeError: ``input`` or ``target`` is not a floating-point tensor.

    Note:
        The classes are in dimension 1, as in :func:`cross_entropy`: logits of shape (batch, time, classes) need
        ``flatten(0, 1)`` first, or the softmax runs over time. An entry is a distribution, so "mean" does not divide by
        the number of classes: it is the "batchmean" of
        ``kl_div``. The factor T² keeps the size of the gradient, which shrinks by 1 / T². A class of which p is 0 costs
        0, also where the logit of the student is -inf; one that the student alone rules out costs inf.

    Example:
        >>> import torch
        >>> from lossbook.functional import kl_div_with_logits
        >>> student, teacher = torch.tensor([[1.0, 0.0, 0.0]]), torch.tensor([[2.0, 0.0, -torch.inf]])
        >>> kl_div_with_logits(student, teacher), kl_div_with_logits(student, teacher, temperature=4.0)
        (tensor(0.3053), tensor(5.9297))

    References:
        G. Hinton, O. Vinyals, J. Dean (2015), Distilling the Knowledge in a Neural Network, section 2.
        https://arxiv.org/abs/1503.02531
    """
    check.same_shape(input=input, target=target)
    dim = class_dim(input)
    entry = entry_weight(sample_weight, entry_shape(input))
    log_q = torch.log_softmax(kept(entry, input, dim=dim) / temperature, dim)
    log_p = torch.log_softmax(kept(entry, target, dim=dim) / temperature, dim)
    p = log_p.exp()
    log_ratio = torch.where(p == 0, 0.0, log_p - log_q)  # 0 · log 0 is 0, where -inf - -inf would be NaN
    loss = temperature * temperature * (p * log_ratio).sum(dim)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class KLDivWithLogitsLoss(Loss, of=kl_div_with_logits):
    """Module form of :func:`lossbook.functional.kl_div_with_logits`."""

    def __init__(self, *, temperature: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(temperature=temperature, reduction=reduction)
