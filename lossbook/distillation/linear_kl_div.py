"""Kullback-Leibler divergence of two linear maps: the last layers of a student and its teacher in one."""

import math

import torch.nn.functional as F
from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, Positive, Real, Reduction, checked, entry_weight, kept
from .._core.linear_map import check_map, check_two_maps
from .kl_div_with_logits import kl_div_with_logits


@checked
def linear_kl_div(
    input: Real,
    linear_weight: Real,
    target_input: Real,
    target_weight: Real,
    *,
    linear_bias: Real | None = None,
    target_bias: Real | None = None,
    temperature: Positive = 1.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for features whose linear map gives the softmax that the teacher's features give through theirs.

    .. math::

        \ell_n = \operatorname{kl\_div\_with\_logits}(W h_n + b,\; W' h'_n + b')
        \qquad h = \text{input} \qquad W = \text{linear\_weight}

    .. math::

        h' = \text{target\_input} \qquad W' = \text{target\_weight}

    Args:
        input: features of the student, shape (features,), (batch, features) or (batch, time, ..., features).
        linear_weight: weight of the student's map, shape (classes, features).
        target_input: features of the teacher, shape of ``input`` but for the number of features. Detach them
            and their map, or a gradient flows to both.
        target_weight: weight of the teacher's map, shape (classes, features of the teacher).
        linear_bias: bias of the student's map, shape (classes,); None adds nothing.
        target_bias: bias of the teacher's map, shape (classes,); None adds nothing.
        temperature: divisor T > 0 of both sets of logits; a higher one gives the small probabilities more say.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input`` without features; "mean" divides the sum by the number of
            entries, or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum"
            adds up.

    Returns:
        Loss in nats times T², in the dtype of the logits; at least 0, and 0 where both softmaxes agree, to the
        rounding of log-probabilities: in float32 a divergence below 1e-7 is noise, its gradient is not.

    Raises:
        ValueError: ``reduction`` is unknown, ``temperature`` is not above 0, or shapes do not fit.
        TypeError: an argument is not a floating-point tensor, or features and their map differ in dtype outside
            autocast.

    Note:
        The form in ``lossbook.functional`` stores all logits of both, that in ``lossbook.fused`` a chunk at a time.

    Example:
        >>> import torch
        >>> from lossbook.functional import linear_kl_div
        >>> student, linear_weight = torch.tensor([[1.0]]), torch.tensor([[1.0], [0.0]])
        >>> teacher, target_weight = torch.tensor([[1.0, 1.0]]), torch.tensor([[1.0, 1.0], [0.0, 0.0]])
        >>> linear_kl_div(student, linear_weight, teacher, target_weight)
        tensor(0.0671)

    References:
        G. Hinton, O. Vinyals, J. Dean (2015), Distilling the Knowledge in a Neural Network, section 2.
        https://arxiv.org/abs/1503.02531
    """
    check_map(input=input, linear_weight=linear_weight, linear_bias=linear_bias)
    check_map(target_input=target_input, target_weight=target_weight, target_bias=target_bias)
    check_two_maps(input, linear_weight, target_input, target_weight)
    leading, classes = input.shape[:-1], linear_weight.shape[0]
    entry = entry_weight(sample_weight, leading)
    # NaN in dropped features would reach the gradients of the maps.
    input, target_input = kept(entry, input, dim=-1), kept(entry, target_input, dim=-1)
    flat = math.prod(leading), classes  # one batch of all samples
    loss = kl_div_with_logits(
        F.linear(input, linear_weight, linear_bias).reshape(flat),
        F.linear(target_input, target_weight, target_bias).reshape(flat),
        temperature=temperature,
        sample_weight=None if entry is None else entry.flatten(),
        normalizer=normalizer,
        reduction=reduction,
    )
    return loss.reshape(leading) if reduction == "none" else loss


class LinearKLDivLoss(Loss, of=linear_kl_div):
    """Module form of :func:`lossbook.functional.linear_kl_div`; it owns no map: both come with the call."""

    def __init__(self, *, temperature: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(temperature=temperature, reduction=reduction)
