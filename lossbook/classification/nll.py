"""Negative log-likelihood of class indices."""

from torch import Tensor

from .._core import (
    ClassIndex,
    EntryWeight,
    Integer,
    LogProbs,
    Loss,
    Normalizer,
    Reduction,
    Weight,
    check_domain,
    entry_weight,
    formula,
    kept,
    reduce,
)
from .._core.classes import at_class, check_class_index, check_class_weight, class_dim, class_entries, spoiled


@formula
def nll_loss(
    input: LogProbs,
    target: ClassIndex,
    *,
    weight: Weight | None = None,
    ignore_index: Integer = -100,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for a high log-probability of the observed class: pick it and change its sign.

    .. math::

        \ell_n = -w_{y_n}\, \text{input}_{n,\,y_n} \qquad y = \text{target}

    Args:
        input: log-probabilities, shape (classes,), (batch, classes) or (batch, classes, d1, ..., dK), at most 0.
            Nothing here normalises: apply ``log_softmax`` first, or use ``cross_entropy`` on logits.
        target: class index 0..classes-1 or ``ignore_index``, int64 (or uint8), shape of ``input`` without classes.
        weight: weight w of each class, shape (classes,); None weighs all alike.
        ignore_index: target value whose entries are removed from value, gradient and count.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``target``; "mean" divides the sum by the sum of ``weight[target]``
            over the entries not ignored, times ``sample_weight``, and is NaN when nothing is left (0 with
            ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of ``input``; at least 0 for log-probabilities.

    Raises:
        ValueError: ``reduction`` is unknown, shapes differ, or (on CPU) a target is out of range or the
            log-probability that it picks is above 0.
        TypeError: ``input`` is not floating point, or ``target`` is not int64 or uint8.

    Note:
        A target out of range gives NaN for its entry where values are not checked (see ``check_values``).

    Example:
        >>> import torch
        >>> from lossbook.functional import nll_loss
        >>> log_probs = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]).log()
        >>> nll_loss(log_probs, torch.tensor([0, 2]), reduction="none")
        tensor([0.6931, 0.2231])

    References:
        C. M. Bishop (2006), Pattern Recognition and Machine Learning, equation 4.108.
        https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/
    """
    check_class_index(input, target)
    check_class_weight(input, weight)
    dim = class_dim(input)
    entry = entry_weight(sample_weight, target.shape)
    input = kept(entry, input, fill=0.0, dim=dim)
    index, unknown, ignored = class_entries(kept(entry, target, fill=0), input.shape[dim], ignore_index)
    loss = -input.gather(dim, index.unsqueeze(dim)).squeeze(dim)
    check_domain("input", -loss.masked_fill(ignored, 0.0), LogProbs)
    loss = spoiled(loss, unknown).masked_fill(ignored, 0.0)
    count = (~ignored).to(loss.dtype)
    if weight is not None:
        count = count * at_class(weight.to(loss.dtype), index)
        loss = loss * count
    return reduce(loss, reduction, weight=entry, normalizer=normalizer, count=count)


class NLLLoss(Loss, of=nll_loss):
    """Module form of :func:`lossbook.functional.nll_loss`."""

    def __init__(self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(weight=weight, ignore_index=ignore_index, reduction=reduction)
