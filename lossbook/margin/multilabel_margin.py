"""Multi-label margin loss: every class of a sample beats every other class by 1."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .._core import (
    EntryWeight,
    Label,
    Logits,
    Loss,
    Normalizer,
    Reduction,
    check,
    entry_weight,
    formula,
    kept,
    reduce,
    times,
)
from .._core.classes import spoiled


@formula
def multilabel_margin_loss(
    input: Logits,
    target: Label,
    *,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for scores in which each class of a sample beats each class that is not its own by 1.

    .. math::

        \ell_n = \frac1C \sum_{j \in Y_n} \sum_{i \notin Y_n} \max(0,\; 1 - x_{n,\,j} + x_{n,\,i})
        \qquad x = \text{input}

    Y holds the classes that ``target`` lists before its first -1.

    Args:
        input: scores, shape (classes,) or (batch, classes), any real.
        target: the classes of each sample as a list of indices 0..classes-1, filled up with -1; int64, same shape as
            ``input``. Whatever follows the first -1 is ignored. Not 0 and 1 for each class, which would list the
            classes 0 and 1; a class listed twice counts twice.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input`` without classes; "mean" divides the sum by the number of samples,
            or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in units of the scores, in the dtype of ``input``; at least 0, and 0 for a sample without classes.

    Raises:
        ValueError: ``reduction`` is unknown, shapes differ, or (on CPU) a target is out of range.
        TypeError: ``input`` is not floating point, or ``target`` is not int64.

    Note:
        Comparing all pairs would take classes² numbers for a sample. The loss is linear between its kinks, so it is
        known from its slopes: the slope for another class is the number of thresholds x - 1 of own classes below its
        score, that for an own class minus the number of other scores above its threshold. Sorting counts both.
        A target out of range gives NaN for its entry where values are not checked (see ``check_values``).

    Example:
        >>> import torch
        >>> from lossbook.functional import multilabel_margin_loss
        >>> scores = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
        >>> multilabel_margin_loss(scores, torch.tensor([[3, 0, -1, 1]]))  # the classes are 3 and 0
        tensor(0.8500)

    References:
        K. Crammer, Y. Singer (2003), A Family of Additive Online Algorithms for Category Ranking.
        https://www.jmlr.org/papers/v3/crammer03b.html
    """
    if input.dim() not in (1, 2) or input.shape[-1] == 0:
        raise ValueError(f"input must have shape (classes,) or (batch, classes); got {tuple(input.shape)}")
    check.same_shape(input=input, target=target)
    classes = input.shape[-1]
    entry = entry_weight(sample_weight, input.shape[:-1])
    input, target = kept(entry, input, dim=-1), kept(entry, target, fill=-1, dim=-1)
    takes = lambda: f"a class index in 0..{classes - 1} or -1"  # noqa: E731
    listed = (target == -1).cumsum(-1) == 0  # whatever follows the first -1 is not looked at
    check.values(
        "target", target.masked_fill(~listed, -1), lambda t: (t >= -1) & (t < classes), takes, between=(-1, classes - 1)
    )
    unknown = (listed & ((target < 0) | (target >= classes))).any(-1)
    slope, pairs = _slopes(input.detach(), target.masked_fill(~listed, 0).clamp(0, classes - 1), listed)
    # Slopes add up to 0, so the origin is free: at the highest score with a positive slope nothing large cancels.
    origin = input.detach().masked_fill(slope <= 0, -torch.inf).amax(-1, keepdim=True)
    origin = origin.nan_to_num(posinf=0.0, neginf=0.0)
    loss = (times(slope, input - origin).sum(-1) + pairs) / classes
    loss = spoiled(loss, unknown).masked_fill(input.isnan().any(-1), torch.nan)
    return reduce(loss, reduction, weight=entry, normalizer=normalizer)


def _slopes(scores: Tensor, label: Tensor, listed: Tensor) -> tuple[Tensor, Tensor]:
    """Count the pairs that cost something: for each class (own ones negative), and for each sample."""
    other = (torch.zeros_like(scores).scatter_add(-1, label, listed.to(scores.dtype)) == 0).to(scores.dtype)
    thresholds, order = (scores.gather(-1, label) - 1).masked_fill(~listed, torch.inf).sort(-1)
    label = label.gather(-1, order)
    del order
    passed = torch.searchsorted(thresholds, scores.contiguous())  # how many thresholds lie below a score
    by_passed = torch.zeros_like(F.pad(scores, (0, 1))).scatter_add(-1, passed, other)
    above = (other.sum(-1, keepdim=True) - by_passed.cumsum(-1))[..., :-1]  # other scores above each threshold
    return (passed * other).scatter_add(-1, label, -above), above.sum(-1)


class MultiLabelMarginLoss(Loss, of=multilabel_margin_loss):
    """Module form of :func:`lossbook.functional.multilabel_margin_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
