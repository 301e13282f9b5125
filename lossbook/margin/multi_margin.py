"""Multi-class margin loss: the hinge of a support vector machine with many classes."""

from typing import Annotated

from torch import Tensor

from .._core import (
    ClassIndex,
    EntryWeight,
    Logits,
    Loss,
    Normalizer,
    Number,
    Reduction,
    Weight,
    entry_weight,
    formula,
    kept,
    numbers,
    reduce,
)
from .._core.classes import at_class, check_class_index, check_class_weight, class_dim, class_entries, spoiled

OneOrTwo = Annotated[int, numbers.choice(1, 2)]


@formula
def multi_margin_loss(
    input: Logits,
    target: ClassIndex,
    *,
    p: OneOrTwo = 1,
    margin: Number = 1.0,
    weight: Weight | None = None,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for a score of the right class that beats every other class by a margin.

    .. math::

        \ell_n = \frac{w_{y_n}}{C} \sum_{i \ne y_n} \max(0,\; m - x_{n,\,y_n} + x_{n,\,i})^p
        \qquad x = \text{input} \qquad y = \text{target} \qquad m = \text{margin}

    Args:
        input: scores, shape (classes,) or (batch, classes), any real.
        target: class index 0..classes-1, int64 (or uint8), shape () or (batch,).
        p: exponent, 1 or 2.
        margin: lead m that costs nothing, in the units of the scores.
        weight: weight w of each class, shape (classes,); None weighs all alike.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input`` without classes; "mean" divides the sum by the number of samples,
            or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in units of the scores (to the power ``p``), in the dtype of ``input``; at least 0.

    Raises:
        ValueError: ``p`` is neither 1 nor 2, ``margin`` is not finite, ``reduction`` is unknown, shapes differ, or (on
            CPU) a target is out of range.
        TypeError: ``input`` is not floating point, or ``target`` is not int64 or uint8.

    Note:
        The sum over C - 1 classes is divided by C, and "mean" by the number of samples, not by their weights. A target
        out of range gives NaN for its entry where values are not checked (see ``check_values``).
        This is the sum over classes of Weston and Watkins. scikit-learn, optax and Keras take the largest term alone,
        as Crammer and Singer do: for two classes that is twice this loss, for more there is no conversion.

    Example:
        >>> import torch
        >>> from lossbook.functional import multi_margin_loss
        >>> scores = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.5, 3.0, 0.0, 2.5]])
        >>> multi_margin_loss(scores, torch.tensor([0, 1]), reduction="none")
        tensor([0.7500, 0.1250])

    References:
        J. Weston, C. Watkins (1999), Support Vector Machines for Multi-Class Pattern Recognition: the sum over classes.
        https://www.esann.org/sites/default/files/proceedings/legacy/es1999-461.pdf
        K. Crammer, Y. Singer (2001), On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines: the
        largest term alone. https://www.jmlr.org/papers/v2/crammer01a.html
    """
    if input.dim() not in (1, 2):
        raise ValueError(f"input must have shape (classes,) or (batch, classes); got {tuple(input.shape)}")
    check_class_index(input, target)
    check_class_weight(input, weight)
    dim = class_dim(input)
    entry = entry_weight(sample_weight, target.shape)
    input = kept(entry, input, dim=dim)
    index, unknown, _ = class_entries(kept(entry, target, fill=0), input.shape[dim], None)
    right = index.unsqueeze(dim)
    shortfall = (margin + (input - input.gather(dim, right))).scatter(dim, right, 0.0).relu()
    # abs changes nothing but what is stored for the gradient: numbers, not a mask, which compiled code writes slowly.
    loss = (shortfall.abs() if p == 1 else shortfall.square()).mean(dim)
    if weight is not None:
        loss = loss * at_class(weight.to(loss.dtype), index)
    return reduce(spoiled(loss, unknown), reduction, weight=entry, normalizer=normalizer)


class MultiMarginLoss(Loss, of=multi_margin_loss):
    """Module form of :func:`lossbook.functional.multi_margin_loss`."""

    def __init__(
        self, *, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, reduction: str = "mean"
    ) -> None:
        super().__init__(p=p, margin=margin, weight=weight, reduction=reduction)
