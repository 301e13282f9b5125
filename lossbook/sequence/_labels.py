"""Lengths and labels of a batch of sequences: which forms they take, which values are legal."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .._core import LogProbs, beside, check, check_domain
from .._core.reduce import entry_weight, kept


class Samples(NamedTuple):
    """A batch in one form, with illegal values replaced; ``legal`` tells which samples had none."""

    log_probs: Tensor  # (frames, batch, symbols)
    labels: Tensor  # (batch, at most frames: more labels have no path), blank past the target length
    input_length: Tensor  # (batch,)
    target_length: Tensor  # (batch,)
    legal: Tensor  # (batch,)
    entry: Tensor | None  # sample weight in the shape of the unreduced loss; zero makes both lengths 0
    shape: tuple[int, ...]  # of the unreduced loss


def as_samples(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Tensor | Sequence[int] | int,
    target_lengths: Tensor | Sequence[int] | int,
    blank: int,
    sample_weight: Tensor | None,
) -> Samples:
    """Check the arguments of a loss on sequences, and bring them into one form."""
    if log_probs.dim() not in (2, 3):
        raise ValueError(
            f"log_probs must have shape (frames, batch, symbols) or (frames, symbols); got {tuple(log_probs.shape)}"
        )
    if log_probs.shape[-1] == 0:
        raise ValueError(f"log_probs must have at least one symbol; got {tuple(log_probs.shape)}")
    shape = log_probs.shape[1:-1]
    log_probs = log_probs if shape else log_probs.unsqueeze(1)
    frames, _, symbols = log_probs.shape
    if blank >= symbols:
        raise ValueError(f"blank must be a symbol in 0..{symbols - 1}; got {blank}")
    input_length = as_lengths("input_lengths", input_lengths, log_probs, shape)
    target_length = as_lengths("target_lengths", target_lengths, log_probs, shape)
    longest = max(target_lengths, default=0) if isinstance(target_lengths, list | tuple) else None
    labels = as_rows(targets, target_length, log_probs, longest)

    entry = entry_weight(sample_weight, shape)
    input_length, target_length = (kept(entry, length, fill=0) for length in (input_length, target_length))
    if check.values_are_checked(log_probs):
        read = (
            beside(torch.arange(frames, device=log_probs.device), log_probs)[:, None] < input_length
        )  # (frames, batch)
        weighed = kept(entry, log_probs, fill=0.0, dim=-1).masked_fill(~read.unsqueeze(-1), 0.0)
        check_domain("log_probs", weighed, LogProbs)
    legal = legal_lengths(input_length, target_length, frames, targets.shape[-1])
    labels, legal_label = legal_labels(labels, target_length, symbols, blank)
    return Samples(log_probs, labels[:, :frames], input_length, target_length, legal & legal_label, entry, tuple(shape))


def as_lengths(
    name: str, given: Tensor | Sequence[int] | int, log_probs: Tensor, batch_shape: tuple[int, ...]
) -> Tensor:
    """Give lengths as int64, shape (batch,)."""
    frames, batch, _ = log_probs.shape
    if not isinstance(given, Tensor):
        given = beside(torch.tensor(given, dtype=torch.long, device=log_probs.device), log_probs)
    shape = tuple(given.shape)
    if shape != (batch,) and shape != batch_shape:
        raise ValueError(
            f"{name} must have shape ({batch},), one for each sample of log_probs (frames, batch, symbols) = "
            f"{tuple(log_probs.shape)}; got {shape}"
            + ("; with the batch first use log_probs.transpose(0, 1)" if shape == (frames,) else "")
        )
    return given.long().reshape(batch)


def as_rows(targets: Tensor, target_length: Tensor, log_probs: Tensor, longest: int | None) -> Tensor:
    """Give labels as int64, shape (batch, labels), with anything past the target length."""
    frames, batch, _ = log_probs.shape
    if targets.dim() == 2 and targets.shape[0] == batch:
        return targets.long()
    if targets.dim() != 1:
        raise ValueError(
            f"targets must have shape ({batch}, labels), or (sum of target_lengths,) for targets one after the "
            f"other; got {tuple(targets.shape)}"
        )
    size = targets.shape[0]
    total = target_length.sum()
    check.values("the sum of target_lengths", total, lambda n: n == size, lambda: f"{size}, the labels given")
    # More labels than frames have no path anyway, so the width needs no look at the lengths.
    width = min(size if longest is None else longest, frames)
    position = (target_length.cumsum(0) - target_length)[:, None] + beside(
        torch.arange(width, device=targets.device), targets
    )
    outside = (position < 0) | (position >= size)
    return targets.long()[position.masked_fill(outside, 0)].masked_fill(outside, -1)


def legal_lengths(input_length: Tensor, target_length: Tensor, frames: int, labels: int) -> Tensor:
    """Tell which samples have lengths in range; refuse the others where values are checked."""
    check.values(
        "input_lengths", input_length, lambda n: (n >= 0) & (n <= frames), lambda: f"in 0..{frames}, the frames given"
    )
    check.values(
        "target_lengths", target_length, lambda n: (n >= 0) & (n <= labels), lambda: f"in 0..{labels}, the labels given"
    )
    return (input_length >= 0) & (input_length <= frames) & (target_length >= 0) & (target_length <= labels)


def legal_labels(labels: Tensor, target_length: Tensor, symbols: int, blank: int) -> tuple[Tensor, Tensor]:
    """Put blanks past the target length, and tell which samples have legal labels before it."""
    past = beside(torch.arange(labels.shape[1], device=labels.device), labels) >= target_length[:, None]
    stand_in = 1 if blank == 0 else 0  # a legal label, where there is any but blank
    labels = labels.masked_fill(past, stand_in)

    def legal(t: Tensor) -> Tensor:
        return ((t >= 0) & (t < symbols) & (t != blank)) | ((t == stand_in) & (symbols == 1))

    takes = lambda: f"labels in 0..{symbols - 1} other than blank={blank}"  # noqa: E731
    check.values("targets", labels, legal, takes)
    allowed = legal(labels) | past
    return labels.masked_fill(past | ~allowed, blank), allowed.all(1)
