"""Cross entropy of a linear map: the last layer of a classifier and its loss in one."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .._core import (
    ClassTarget,
    EntryWeight,
    Integer,
    Loss,
    Normalizer,
    NotNegative,
    Positive,
    Real,
    Reduction,
    Share,
    Weight,
    check,
    checked,
    entry_weight,
    kept,
    numbers,
)
from .._core.linear_map import check_map_and_target
from .cross_entropy import cross_entropy


@checked
def linear_cross_entropy(
    input: Real,
    linear_weight: Real,
    target: ClassTarget,
    *,
    linear_bias: Real | None = None,
    weight: Weight | None = None,
    ignore_index: Integer | None = None,
    label_smoothing: Share = 0.0,
    softcap: Positive | None = None,
    z_loss: NotNegative = 0.0,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for features whose linear map gives the logits of the target class.

    .. math::

        \ell_n = \operatorname{cross\_entropy}(W h_n + b,\; y_n)
        \qquad h = \text{input} \qquad W = \text{linear\_weight} \qquad y = \text{target}

    Args:
        input: features, shape (in_features,), (batch, in_features), or (batch, time, ..., in_features) with a
            two-dimensional ``linear_weight``.
        linear_weight: weight of the map, shape (classes, in_features) or (classes, d1, ..., dK, in_features).
        target: class index 0..classes-1 or ``ignore_index``, int64 (or uint8), of the leading shape of ``input``
            followed by d1, ..., dK; or class probabilities, floating point, of the shape of the logits: that of
            ``input`` with in_features replaced by classes, d1, ..., dK.
        linear_bias: bias of the map, shape (classes, d1, ..., dK); None adds nothing.
        weight: weight of each class, shape (classes,); None weighs all alike.
        ignore_index: target index whose entries are removed from value, gradient and count; None means -100 for
            class indices, and is the only choice for probabilities.
        label_smoothing: epsilon in [0, 1], the share of the target that is spread evenly over all classes.
        softcap: bound s > 0 on the logits x, which become s tanh(x / s); None leaves them as they are.
        z_loss: factor z >= 0 of a penalty z lse², with lse the logsumexp of the (capped) logits, that is added to every
            entry not ignored. ``weight`` does not scale it and it does not change the count.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the leading shape of ``input`` followed by d1, ..., dK; "mean" divides the sum by the
            sum of ``weight[target]`` over the entries not ignored (index target) or by the number of entries
            (probabilities), times ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``);
            "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the logits; at least the entropy of the smoothed target where
        classes are not weighted.

    Raises:
        ValueError: a setting is out of range, shapes do not fit, or (on CPU) a target is out of range.
        TypeError: ``input`` or ``linear_weight`` is not floating point, or they differ in dtype outside autocast, or
            ``target`` is neither floating point nor int64 or uint8.

    Note:
        The form in ``lossbook.functional`` stores all logits, that in ``lossbook.fused`` a chunk of them at a time.

    Example:
        >>> import torch
        >>> from lossbook.functional import linear_cross_entropy
        >>> features, linear_weight = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 1.0], [1.0, 0.0]])
        >>> linear_cross_entropy(features, linear_weight, torch.tensor([0]))
        tensor(0.3133)

    References:
        E. Wijmans et al. (2024), Cut Your Losses in Large-Vocabulary Language Models.
        https://arxiv.org/abs/2411.09009
    """
    check_map_and_target(input, linear_weight, target, linear_bias, ignore_index)

    classes, *out_features, _ = linear_weight.shape
    leading = input.shape[:-1]
    entry = entry_weight(sample_weight, (*leading, *out_features))
    counted = entry
    if target.dtype in (torch.int64, torch.uint8) and target.shape == (*leading, *out_features):  # else it is refused
        counts = target.long() != (-100 if ignore_index is None else ignore_index)
        counted = counts if entry is None else counts & (entry != 0)
    if counted is not None:  # infinity or NaN in features that do not count would reach the gradient of linear_weight
        input = kept(counted.flatten(len(leading)).any(-1) if out_features else counted, input, dim=-1)
    flat_bias = None if linear_bias is None else linear_bias.flatten()
    logits = F.linear(input, linear_weight.flatten(0, -2), flat_bias)
    logits = logits.reshape(*leading, classes, *out_features)
    if len(leading) > 1:  # cross_entropy takes the classes second, here they are last: one batch of all samples
        logits = logits.flatten(0, -2)
        target = target.flatten(0, -2) if target.is_floating_point() else target.flatten()
        entry = None if entry is None else entry.flatten()
    loss = cross_entropy(
        logits,
        target,
        weight=weight,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
        softcap=softcap,
        z_loss=z_loss,
        sample_weight=entry,
        normalizer=normalizer,
        reduction=reduction,
    )
    return loss.reshape(leading) if reduction == "none" and len(leading) > 1 else loss


class LinearCrossEntropyLoss(Loss, of=linear_cross_entropy):
    """Module form of :func:`linear_cross_entropy`, which owns the linear map."""

    settings = (
        "num_classes", "out_features", "weight", "ignore_index", "label_smoothing", "softcap", "z_loss", "reduction",
    )  # fmt: skip

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        weight: Tensor | None = None,
        ignore_index: int | None = None,
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
        in_features, num_classes = (
            numbers.size(name, value) for name, value in (("in_features", in_features), ("num_classes", num_classes))
        )
        if not isinstance(out_features, tuple | list):
            raise TypeError(f"out_features must be a tuple of ints; got {out_features!r}")
        out_features = tuple(numbers.size("out_features", size) for size in out_features)
        bias = numbers.flag("bias", bias)
        if weight is not None:
            check.shape("weight", weight, (num_classes,), "one for each class")
        self.num_classes = num_classes
        self.out_features = out_features
        logits = math.prod(self.out_features, start=num_classes)
        self.linear = nn.Linear(in_features, logits, bias=bias, device=device, dtype=dtype)

    def forward(
        self,
        input: Tensor,
        target: Tensor,
        *,
        sample_weight: Tensor | None = None,
        normalizer: Tensor | float | None = None,
    ) -> Tensor:
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return self.function(
            input,
            self.linear.weight.reshape(*shape, self.linear.in_features),
            target,
            linear_bias=None if bias is None else bias.reshape(shape),
            weight=self.weight,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            softcap=self.softcap,
            z_loss=self.z_loss,
            sample_weight=sample_weight,
            normalizer=normalizer,
            reduction=self.reduction,
        )
