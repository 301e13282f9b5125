"""Connectionist temporal classification: a label sequence against the frames of a longer input."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .._core import (
    EntryWeight,
    Flag,
    Index,
    Lengths,
    LogProbs,
    Loss,
    Normalizer,
    Reduction,
    Symbols,
    beside,
    formula,
    kept,
    reduce,
)
from .._core.classes import spoiled
from ._labels import as_samples

# The logarithm of 0 inside the recursion. Finite, because -inf - (-inf) is NaN and so is every derivative through it.
IMPOSSIBLE = -1e30


@formula
def ctc_loss(
    log_probs: LogProbs,
    targets: Symbols,
    input_lengths: Lengths,
    target_lengths: Lengths,
    *,
    blank: Index = 0,
    zero_infinity: Flag = False,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask the frames of an input to spell a label sequence, whatever the timing.

    .. math::

        \ell_n = -\log \sum_{\pi \,:\, B(\pi) = y_n} \;\prod_{t=1}^{\tau_n} \exp \text{log\_probs}_{t,\,n,\,\pi_t}

    A path :math:`\pi` names one symbol for each of the :math:`\tau_n` frames; B merges neighbours that are equal and
    then drops blanks. The sum runs over all paths that B turns into the target :math:`y_n`.

    Args:
        log_probs: log-probabilities of the symbols in each frame, shape (frames, batch, symbols) or
            (frames, symbols), at most 0: apply ``log_softmax`` over the last dimension first.
        targets: labels 0..symbols-1 except ``blank``, integer, shape (batch, labels), each row padded with anything;
            or all rows without padding one after the other, shape (sum of ``target_lengths``,).
        input_lengths: number of frames of each sample, 0..frames, integer tensor of shape (batch,) or a sequence of
            ints; for one sample of shape (frames, symbols) also an int or a 0-d tensor.
        target_lengths: number of labels of each sample, likewise; a sequence of ints spares concatenated targets
            some work, because the longest target is then known without looking at a tensor.
        blank: the symbol that stands for no label.
        zero_infinity: whether a target without any path counts 0 instead of infinity.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides the sum of the losses, in place of the target
            lengths and of the count.
        reduction: "none" gives shape (batch,); "mean" divides each loss by its target length (at least 1), then the
            sum by the number of entries, or by the sum of ``sample_weight``, and is NaN when nothing is left (0 with
            ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of ``log_probs``; at least 0, and infinite for a target without any path: one
        with more labels, plus a blank between each two equal neighbours, than the input has frames.

    Raises:
        ValueError: ``blank`` is not a symbol, ``reduction`` is unknown, shapes do not fit, or (on CPU) a length or a
            label is out of range or a log-probability above 0.
        TypeError: ``log_probs`` is not floating point, ``targets`` or lengths are not integers, or
            ``zero_infinity`` is not a bool.

    Note:
        The gradient is the one of the formula above: minus the share of all paths that pass through a symbol. torch
        gives the gradient with respect to the logits instead, as if log_softmax were part of the loss; through
        log_softmax both agree. A target without any path has gradient 0 (torch: NaN, or 0 with ``zero_infinity``).
        A label or a length out of range gives NaN for its sample where values are not checked (see
        ``check_values``).

        The recursion runs from both ends at once and meets in the middle, half as many steps one after the other. A
        compiler unrolls it, so each number of frames is a graph of its own; :func:`lossbook.fused.ctc_loss` has one.
        optax and Keras take logits with the batch first: ``log_softmax`` and ``transpose(0, 1)``. Keras averages over
        the batch, ``normalizer=batch``; optax leaves the mean to you.

    Example:
        >>> import torch
        >>> from lossbook.functional import ctc_loss
        >>> log_probs = torch.full((5, 1, 4), 0.25).log()
        >>> ctc_loss(log_probs, torch.tensor([[1, 1, 1]]), [5], [3], reduction="none")  # one path: 1-1-1
        tensor([6.9315])

    References:
        A. Graves et al. (2006), Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with
        Recurrent Neural Networks, equations 2 and 3, section 4.1. https://doi.org/10.1145/1143844.1143891
    """
    batch = as_samples(log_probs, targets, input_lengths, target_lengths, blank, sample_weight)
    log_probs = kept(batch.entry, batch.log_probs, fill=0.0, dim=-1)

    log_likelihood = _log_likelihood(log_probs, batch.labels, batch.input_length, batch.target_length, blank)
    loss = torch.where(log_likelihood < IMPOSSIBLE / 2, 0.0 if zero_infinity else torch.inf, -log_likelihood)
    loss = spoiled(loss, ~batch.legal)
    if reduction == "mean" and normalizer is None:
        loss = loss / batch.target_length.clamp(min=1)
    return reduce(loss.reshape(batch.shape), reduction, weight=batch.entry, normalizer=normalizer)


def _log_likelihood(
    log_probs: Tensor, labels: Tensor, input_length: Tensor, target_length: Tensor, blank: int
) -> Tensor:
    """Sum the probabilities of all paths through the states blank, label, blank, ..., label, blank of each sample."""
    log_probs = torch.cat([log_probs, log_probs[-1:]]) if log_probs.shape[0] % 2 else log_probs
    half = log_probs.shape[0] // 2
    labels = F.pad(labels, (0, 1), value=blank).T
    states = torch.stack([torch.full_like(labels, blank), labels], dim=1).flatten(0, 1)  # (states, batch)
    state = beside(torch.arange(states.shape[0], device=labels.device), labels)[:, None]
    certain, impossible = log_probs.new_zeros(()), log_probs.new_full((), IMPOSSIBLE)
    first, last = (
        torch.where(here, certain, impossible) for here in ((state == 0).expand_as(states), state == 2 * target_length)
    )

    # Past its own frames a sample waits in its last state, which costs nothing.
    past = beside(torch.arange(log_probs.shape[0], device=labels.device), labels)[:, None, None] >= input_length
    emission = log_probs.transpose(1, 2).gather(1, states.expand(log_probs.shape[0], -1, -1))  # (frames, states, batch)
    fixed = past | (emission < IMPOSSIBLE)
    emission = torch.where(fixed, torch.where(past, last, IMPOSSIBLE), emission)

    # The second half, with frames and states in reverse order, is the same recursion: both run as one batch.
    emission = torch.cat([emission[:half], emission[half:].flip(0, 1)], dim=2)
    states = torch.cat([states, states.flip(0)], dim=1)
    # Two states further is allowed only between different labels; blanks are all equal.
    no_skip = torch.where(states == states.roll(2, 0), impossible, certain)
    score = torch.cat([first, last.flip(0)], dim=1)
    for now in emission.unbind():
        score = _advance(score, no_skip) + now
    batch = target_length.shape[0]
    front, back = _advance(score, no_skip)[:, :batch], score[:, batch:].flip(0)
    return _log_sum_exp(front + back)


def _advance(score: Tensor, no_skip: Tensor) -> Tensor:
    """Stay in a state, or come from the one before it, or from the one before that."""
    return _log_sum_exp(torch.stack([score, _later(score, 1), _later(score, 2) + no_skip]))


def _later(score: Tensor, states: int) -> Tensor:
    return F.pad(score, (0, 0, states, -states), value=IMPOSSIBLE)


def _log_sum_exp(score: Tensor) -> Tensor:
    """Add probabilities over dim 0, given and returned as logarithms.

    torch.logsumexp takes exp(score - result) for its gradient: three impossible states then weigh 1 each, and the
    tangents of impossible states grow threefold with each step until 0 * inf is NaN. Here the weights add up to 1.
    """
    largest = score.detach().amax(0)  # cancels out, so its derivative is not needed
    return (score - largest).exp().sum(0).log() + largest


class CTCLoss(Loss, of=ctc_loss):
    """Module form of :func:`lossbook.functional.ctc_loss`."""

    def __init__(self, *, blank: int = 0, zero_infinity: bool = False, reduction: str = "mean") -> None:
        super().__init__(blank=blank, zero_infinity=zero_infinity, reduction=reduction)
