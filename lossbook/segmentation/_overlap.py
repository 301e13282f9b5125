"""How far a soft mask and its target overlap: what Dice and Tversky are made of."""

from typing import Annotated, NamedTuple

import torch
from torch import Tensor

from .._core import ClassIndex, MaskTarget, beside, check, check_domain, numbers
from .._core.classes import check_class_index, class_entries, spoiled, without
from .._core.kinds import kind
from .._core.reduce import entry_weight, kept

OutputActivation = Annotated[str, numbers.choice("sigmoid", "softmax")]


class Overlap(NamedTuple):
    """Soft numbers of pixels of each sample and class, and the weight of each: shape (batch, classes)."""

    true_positive: Tensor
    false_positive: Tensor
    false_negative: Tensor
    entry: Tensor | None


class Kept(NamedTuple):
    """What ``sample_weight`` leaves: the weight of each entry, and which logits and targets are read."""

    entry: Tensor | None  # (batch, classes)
    target: Tensor | None  # spread over pixels: a class of its own weight
    input: Tensor | None  # with "softmax", a class of weight 0 still takes its part while another of its sample counts


def overlap(
    input: Tensor, target: Tensor, sample_weight: Tensor | None, *, activation: str, ignore_index: int
) -> Overlap:
    """Count the pixels that are asked for and given, given only, and asked for only."""
    target = as_masks(input, target)
    weight = check_arguments(input, target, sample_weight, activation=activation, ignore_index=ignore_index)
    pixels = list(range(2, input.dim()))
    input = kept(weight.input, input)
    if target.is_floating_point():
        target = kept(weight.target, target)
        probs = input.sigmoid() if activation == "sigmoid" else input.softmax(1)
    else:
        index, unknown, ignored = class_entries(kept_index(weight, target), input.shape[1], ignore_index)
        probs = spoiled(without(input, ignored, 1).softmax(1), unknown.unsqueeze(1))
        probs = probs.masked_fill(ignored.unsqueeze(1), 0.0)
        target = _one_hot(index, ignored, input.shape[1]).to(probs.dtype)
    return Overlap(
        (probs * target).sum(pixels), (probs * (1 - target)).sum(pixels), ((1 - probs) * target).sum(pixels),
        weight.entry,
    )  # fmt: skip


def check_arguments(
    input: Tensor, target: Tensor, sample_weight: Tensor | None, *, activation: str, ignore_index: int
) -> Kept:
    """Refuse what does not fit, but for the values of class indices; say what is kept."""
    if input.dim() < 3:
        raise ValueError(f"input must have shape (batch, classes, d1, ..., dK), K at least 1; got {tuple(input.shape)}")
    if activation == "softmax" and input.shape[1] == 1:
        raise ValueError(
            'the softmax of one class is always 1: use activation="sigmoid", or give the background a class'
        )
    entry = entry_weight(sample_weight, input.shape[:2])
    own = None if entry is None else entry.reshape(*entry.shape, *[1] * (input.dim() - 2))
    weight = Kept(entry, own, own if own is None or activation == "sigmoid" else own.any(1, keepdim=True))
    if target.is_floating_point():
        check.same_shape(input=input, target=target)
        if ignore_index >= 0:
            raise ValueError(f"ignore_index goes with class indices, not with masks; got {ignore_index}")
        if check.values_are_checked(target):
            check_domain("target", kept(own, target), MaskTarget)
        return weight
    if activation == "sigmoid" and target.shape != input.shape:
        raise ValueError(
            'class indices exclude each other, so they go with activation="softmax"; for activation="sigmoid" '
            f"target must be a mask for each class, of shape {tuple(input.shape)}; "
            f"got {target.dtype} of shape {tuple(target.shape)}"
        )
    kind(ClassIndex)("target", target)
    check_class_index(input, target)
    return weight


def as_masks(input: Tensor, target: Tensor) -> Tensor:
    """Make numbers of masks, the targets of the shape of ``input``, and leave class indices."""
    return target.to(input.dtype) if target.shape == input.shape and not target.is_floating_point() else target


def kept_index(weight: Kept, target: Tensor) -> Tensor:
    """Put class 0 into the samples that are dropped."""
    return target if weight.input is None else kept(weight.input.squeeze(1), target, fill=0)


def _one_hot(index: Tensor, ignored: Tensor, classes: int) -> Tensor:
    """Turn class indices into a mask for each class, 0 in pixels that are ignored."""
    each = beside(torch.arange(classes, device=index.device), index).reshape(-1, *[1] * (index.dim() - 1))
    return (index.unsqueeze(1) == each) & ~ignored.unsqueeze(1)


def share(part: Tensor, whole: Tensor) -> Tensor:
    """Divide a part by the whole; the share of nothing is 0, and so is its gradient."""
    nothing = whole < torch.finfo(whole.dtype).tiny  # one over less than that is inf
    return (part / whole.masked_fill(nothing, 1.0)).masked_fill(nothing, 0.0)
