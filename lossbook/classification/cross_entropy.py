"""Cross entropy between class targets and logits."""

import torch
from torch import Tensor

from .._core import (
    ClassTarget,
    EntryWeight,
    Integer,
    Logits,
    Loss,
    Normalizer,
    NotNegative,
    Positive,
    Reduction,
    Share,
    Weight,
    entry_weight,
    formula,
    kept,
    reduce,
    times,
)
from .._core.classes import (
    at_class,
    check_class_weight,
    check_probabilities,
    class_dim,
    class_entries,
    entry_shape,
    spoiled,
    takes_probabilities,
    without,
)


@formula
def cross_entropy(
    input: Logits,
    target: ClassTarget,
    *,
    weight: Weight | None = None,
    ignore_index: Integer = -100,
    label_smoothing: Share = 0.0,
    softcap: Positive | None = None,
    z_loss: NotNegative = 0.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for logits whose softmax is the target distribution over classes.

    .. math::

        \ell_n = -\sum_c w_c\, q_{nc} \log p_{nc} \qquad
        p = \operatorname{softmax}(\text{input}) \qquad
        q = (1 - \varepsilon)\, \text{target} + \varepsilon / C

    A class index stands for the target that is 1 at that class and 0 elsewhere.

    Args:
        input: logits, shape (classes,), (batch, classes) or (batch, classes, d1, ..., dK), any real. Not
            probabilities: a softmax before this loss puts a floor under it.
        target: class index 0..classes-1 or ``ignore_index``, int64 (or uint8), shape of ``input`` without classes;
            or class probabilities, floating point, shape of ``input``, each in [0, 1], adding up to 1.
        weight: weight w of each class, shape (classes,); None weighs all alike.
        ignore_index: target index whose entries are removed from value, gradient and count.
        label_smoothing: epsilon in [0, 1], the share of the target that is spread evenly over all classes.
        softcap: bound s > 0 on the logits x, which become s tanh(x / s); None leaves them as they are.
        z_loss: factor z >= 0 of a penalty z lse², with lse the logsumexp of the (capped) logits, that is added to every
            entry not ignored. ``weight`` does not scale it and it does not change the count.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input`` without classes; "mean" divides the sum by the sum of
            ``weight[target]`` over the entries not ignored (index target) or by the number of entries
            (probabilities), times ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``);
            "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs; at least the entropy of the (smoothed) target
        where classes are not weighted, so 0 for an index without smoothing.

    Raises:
        ValueError: a setting is out of range, shapes differ, or (on CPU) a target is out of range.
        TypeError: ``input`` is not floating point, or ``target`` neither floating point nor int64 or uint8.

    Note:
        The maximum is subtracted before the exponential (log_softmax), so logits of any size are safe; a class with
        target probability 0 may have logit -inf. A target index out of range gives NaN for its entry where values
        are not checked (see ``check_values``). Class weights bend the smoothed optimum; use ``sample_weight`` to
        weigh samples and leave it alone. With ``softcap`` a logit of -inf is one of -softcap: a class masked so still
        has a probability. With ``weight``, Keras divides "mean" by the number of samples: ``normalizer=batch``.

    Example:
        >>> import torch
        >>> from lossbook.functional import cross_entropy
        >>> logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
        >>> cross_entropy(logits, torch.tensor([0, 1]), reduction="none")
        tensor([0.2395, 1.0986])

    References:
        C. M. Bishop (2006), Pattern Recognition and Machine Learning, equation 4.108.
        C. Szegedy et al. (2016), Rethinking the Inception Architecture for Computer Vision, section 7.
        https://doi.org/10.1109/CVPR.2016.308
        A. Chowdhery et al. (2023), PaLM: Scaling Language Modeling with Pathways, section 5 (z-loss).
        https://arxiv.org/abs/2204.02311
        Gemma Team (2024), Gemma 2: Improving Open Language Models at a Practical Size, section 2 (softcap).
        https://arxiv.org/abs/2408.00118
    """
    check_class_weight(input, weight)
    dim = class_dim(input)
    classes = input.shape[dim]
    entry = entry_weight(sample_weight, entry_shape(input))
    logits = kept(entry, input, dim=dim)
    probabilities = takes_probabilities(input, target, ignore_index)
    if not probabilities:
        index, unknown, ignored = class_entries(kept(entry, target, fill=0), classes, ignore_index)
        logits = without(logits, ignored, dim)
    if softcap is not None:
        logits = softcap * torch.tanh(logits / softcap)
    log_probs = torch.log_softmax(logits, dim)
    penalty = z_loss * torch.logsumexp(logits, dim).square() if z_loss > 0 else 0.0
    class_weight = log_probs.new_ones(classes) if weight is None else weight.to(log_probs.dtype)
    weight_along_dim = class_weight.reshape(-1, *[1] * (input.dim() - dim - 1))

    if probabilities:
        target = kept(entry, target, fill=1 / max(classes, 1), dim=dim)
        check_probabilities(target, dim)
        smoothed = (1 - label_smoothing) * target + label_smoothing / classes
        loss = -times(weight_along_dim * smoothed, log_probs).sum(dim) + penalty
        return reduce(loss, reduction, weight=entry, normalizer=normalizer)

    weight_of_entry = at_class(class_weight, index)
    loss = -times(weight_of_entry, log_probs.gather(dim, index.unsqueeze(dim)).squeeze(dim))
    if label_smoothing > 0:
        uniform = -times(weight_along_dim, log_probs).sum(dim) / classes
        loss = (1 - label_smoothing) * loss + label_smoothing * uniform
    loss = spoiled(loss + penalty, unknown).masked_fill(ignored, 0.0)
    count = weight_of_entry.masked_fill(ignored, 0.0)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer, count=count)


class CrossEntropyLoss(Loss, of=cross_entropy):
    """Module form of :func:`lossbook.functional.cross_entropy`."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            softcap=softcap,
            z_loss=z_loss,
            reduction=reduction,
        )
