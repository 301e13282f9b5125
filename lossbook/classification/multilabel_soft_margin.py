"""Multi-label soft margin loss: one binary cross entropy for each class, averaged."""

from torch import Tensor

from .._core import (
    BinaryLabel,
    EntryWeight,
    Logits,
    Loss,
    Normalizer,
    Reduction,
    Weight,
    check,
    entry_weight,
    formula,
    kept,
    reduce,
)
from .binary_cross_entropy_with_logits import binary_cross_entropy_with_logits


@formula
def multilabel_soft_margin_loss(
    input: Logits,
    target: BinaryLabel,
    *,
    weight: Weight | None = None,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask, for each class by itself, for the logit of the probability that a sample belongs to it.

    .. math::

        \ell_n = -\frac1C \sum_c w_c\,\bigl(t_{nc} \log \sigma(x_{nc}) + (1 - t_{nc}) \log \sigma(-x_{nc})\bigr)
        \qquad x = \text{input} \qquad t = \text{target}

    Args:
        input: logits, shape (..., classes), any real.
        target: 1 for each class a sample belongs to and 0 for the others, or a probability in [0, 1]; bool, integer or
            floating point, same shape as ``input``. Not a list of class indices padded with -1, as
            ``multilabel_margin_loss`` takes.
        weight: weight w of each class, shape (classes,); None weighs all alike.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input`` without classes; "mean" divides the sum by the number of samples,
            or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs; at least the mean entropy of ``target``, so 0 for targets 0 and 1.

    Raises:
        ValueError: ``reduction`` is unknown, shapes differ, or (on CPU) ``target`` leaves [0, 1].
        TypeError: ``input`` or ``weight`` is not a floating-point tensor, or ``target`` complex.

    Note:
        The mean over classes divides by their number, not by the sum of ``weight``. With "mean" it is
        ``binary_cross_entropy_with_logits`` of the same arguments.

    Example:
        >>> import torch
        >>> from lossbook.functional import multilabel_soft_margin_loss
        >>> logits = torch.tensor([[2.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
        >>> target = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
        >>> multilabel_soft_margin_loss(logits, target, reduction="none")
        tensor([0.3778, 0.6931])

    References:
        C. M. Bishop (2006), Pattern Recognition and Machine Learning, equation 4.90, for each class.
        https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/
    """
    check.same_shape(input=input, target=target)
    if input.dim() == 0:
        raise ValueError("input must have shape (..., classes); got a 0-d tensor")
    if weight is not None:
        check.shape("weight", weight, (input.shape[-1],), "one for each class")
    entry = entry_weight(sample_weight, input.shape[:-1])
    input, target = kept(entry, input, dim=-1), kept(entry, target, dim=-1)
    loss = binary_cross_entropy_with_logits(input, target, weight=weight, reduction="none").mean(-1)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


class MultiLabelSoftMarginLoss(Loss, of=multilabel_soft_margin_loss):
    """Module form of :func:`lossbook.functional.multilabel_soft_margin_loss`."""

    def __init__(self, weight: Tensor | None = None, *, reduction: str = "mean") -> None:
        super().__init__(weight=weight, reduction=reduction)
