"""Class indices: where the class dimension is, which targets are legal, how to read an entry's class."""

from typing import NamedTuple

import torch
from torch import Tensor

from . import check
from .kinds import ClassTarget, Weight, check_domain


class ClassEntries(NamedTuple):
    """For each entry of the target: a class that is safe to gather, and what the target said."""

    safe: Tensor  # 0..classes-1 everywhere
    unknown: Tensor  # neither a class nor ignore_index
    ignored: Tensor  # ignore_index; nothing where the loss has none


def class_dim(input: Tensor) -> int:
    """Find the class dimension: 0 for a single sample of shape (classes,), else 1."""
    if input.dim() == 0:
        raise ValueError("input must have shape (classes,) or (batch, classes, ...); got a 0-d tensor")
    return 0 if input.dim() == 1 else 1


def entry_shape(input: Tensor) -> tuple[int, ...]:
    """Give the shape of the unreduced loss: that of ``input`` without its class dimension."""
    dim = class_dim(input)
    return (*input.shape[:dim], *input.shape[dim + 1 :])


def check_class_index(input: Tensor, target: Tensor) -> None:
    """Refuse an index target whose shape does not go with the scores ``input``."""
    if target.shape != entry_shape(input):
        raise ValueError(
            f"target must have shape {entry_shape(input)}, that of input {tuple(input.shape)} without its class "
            f"dimension {class_dim(input)}; got {tuple(target.shape)}"
            + ("; with the classes last use input.movedim(-1, 1)" if target.shape == input.shape[:-1] else "")
        )


def takes_probabilities(input: Tensor, target: Tensor, ignore_index: int) -> bool:
    """Say whether ``target`` holds class probabilities, not indices; refuse it where it fits neither."""
    if not target.is_floating_point():
        if target.shape == input.shape:
            raise TypeError(
                "target of the shape of input holds class probabilities, for instance target.float(); "
                f"got {target.dtype}"
            )
        check_class_index(input, target)
        return False
    if target.shape != input.shape and target.shape == entry_shape(input):
        raise ValueError(
            f"target is floating point, so it must hold class probabilities of shape {tuple(input.shape)}; "
            f"for class indices of shape {tuple(target.shape)} use target.long()"
        )
    check.same_shape(input=input, target=target)
    if ignore_index >= 0:
        raise ValueError(f"ignore_index goes with class indices, not with probabilities; got {ignore_index}")
    return True


def check_probabilities(target: Tensor, dim: int) -> None:
    """Refuse class probabilities that leave [0, 1] or do not add up to 1."""
    if check.values_are_checked(target):
        check_domain("target", target, ClassTarget)
        check.values("the sum of target over classes", target.sum(dim), lambda t: (t - 1).abs() <= 0.01, "1")


def check_class_values(target: Tensor, classes: int, ignore_index: int | None) -> None:
    """Refuse class indices out of range, if they are looked at."""
    if not _are_classes(target, classes):  # nearly always they are, and the rest is more work
        _refuse_unknown(target, classes, ignore_index)


def _refuse_unknown(target: Tensor, classes: int, ignore_index: int | None) -> None:
    def takes() -> str:
        return f"a class index in 0..{classes - 1}" + (
            "" if ignore_index is None else f" or ignore_index={ignore_index}"
        )

    ignored = classes - 1 if ignore_index is None else ignore_index  # without one, a legal class stands in
    target = target.long()  # uint8 would take 156 for -100
    check.values("target", target, lambda t: (t == ignored) | ((t >= 0) & (t < classes)), takes)


def check_class_weight(input: Tensor, weight: Tensor | None) -> None:
    """Refuse class weights that are not one number for each class."""
    if weight is not None:
        check.shape("weight", weight, (input.shape[class_dim(input)],), "one for each class")
        check_domain("weight", weight, Weight)


def class_entries(target: Tensor, classes: int, ignore_index: int | None) -> ClassEntries:
    """Split a target into safe indices, unknown and ignored entries; refuse unknown ones where values are checked."""
    target = target.long()
    if not _are_classes(target, classes):
        _refuse_unknown(target, classes, ignore_index)
    elif ignore_index is None or not 0 <= ignore_index < classes:
        nothing = target.new_zeros((), dtype=torch.bool).expand(target.shape)
        return ClassEntries(target, nothing, nothing)  # nearly always, and a third of the work
    known = (target >= 0) & (target < classes)
    ignored = torch.zeros_like(known) if ignore_index is None else target == ignore_index
    return ClassEntries(target.masked_fill(~known, 0), ~(known | ignored), ignored)


def _are_classes(target: Tensor, classes: int) -> bool:
    """Say whether all of a target are classes, where looking is free."""
    if not check.looking_is_free(target) or not target.numel():
        return False
    smallest, largest = target.aminmax()
    return bool(smallest.item() >= 0 and largest.item() < classes)


def without(input: Tensor, ignored: Tensor, dim: int) -> Tensor:
    """Put 0 into the scores of entries that are ignored, so that neither infinity nor NaN there reaches a gradient."""
    if check.looking_is_free(ignored) and not ignored.any():
        return input  # most batches are spared a copy
    return input.masked_fill(ignored.unsqueeze(dim), 0.0)


def spoiled(loss: Tensor, unknown: Tensor) -> Tensor:
    """Make the loss of unknown targets NaN, and their gradient too: a 0 there would not be noticed."""
    if check.values_are_checked(unknown):
        return loss  # they were refused
    return loss * loss.new_ones(()).masked_fill(unknown, torch.nan)


def at_class(weight: Tensor, index: Tensor) -> Tensor:
    """Read the weight of each entry's class; plain indexing by a 0-d index would not compile."""
    return weight.index_select(0, index.flatten()).reshape(index.shape)
