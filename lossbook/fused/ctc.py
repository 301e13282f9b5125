"""Connectionist temporal classification, its recursion run from both ends of the input at once."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..sequence import ctc as readable
from ..sequence._labels import as_samples
from ._blocks import blocks
from ._op import as_result_dtype, differentiate, fused, gradients_now, number, reduce_rows
from ._triton import accumulator, kernel_dtype, launch, power_of_2, run_kernels, tl, triton

RESCALE = 8  # frames from one rescaling of the scores to the next
LABELS_AT_ONCE = 128  # in the registers of a program that makes the gradient of one frame
SYMBOLS_AT_ONCE = 32
SCORES_AT_ONCE = 1 << 14  # of a frame, on the CPU

# The states of a target of L labels are blank_0 label_0 blank_1 label_1 ... label_(L-1) blank_L. A path stays in a
# state or moves on by one; from label to label it may leave out the blank, where the two labels differ. With e for the
# log-probabilities of a frame and (+) for log(exp + exp), one frame further
#
#   from_k  =  blank_k (+) label_(k-1)
#   blank_k <- from_k + e_blank
#   label_k <- label_k (+) (from_k where label_k and label_(k-1) differ, else blank_k) + e_(label k)
#
# Before the first frame blank_0 is 0 and all others are -inf; after the last one from_L is the log-likelihood.
# Backwards in time, over the labels in reverse, the recursion is the same: alpha and beta are one kernel, and run at
# the same time. Alpha holds the frame's own e, beta does not, so alpha + beta is the logarithm of what all paths
# through a state weigh in a frame, and
#
#   d loss / d log_prob(frame, symbol) = - sum over the states of this symbol of softmax_over_states(alpha + beta)
#
# The softmax does not see what is added to a whole frame. So the scores are rescaled to a maximum of 0 every few
# frames: summed over a long input they would be so large that float32 has no digits left for their differences.


@triton.jit
def _add_as_logs(a, b):
    """log(exp a + exp b). The comparisons are false for NaN, which so goes through."""
    larger = tl.where(a > b, a, b)
    smaller = tl.where(a > b, b, a)
    return larger + tl.log(1 + tl.exp(tl.where(smaller == float("-inf"), smaller, smaller - larger)))


@triton.jit
def _from_blank(in_blank, in_label, k):
    """blank_k (+) label_(k-1): the only place where a lane needs its neighbour."""
    before = tl.gather(in_label, tl.maximum(k - 1, 0), 0)
    return _add_as_logs(in_blank, tl.where(k == 0, float("-inf"), before))


@triton.jit
def _recursion(log_probs, labels, input_length, target_length, row_weight, loss, scores,
               frames, batch, width, log_probs_frame, log_probs_sample, log_probs_symbol, labels_sample, blank_at,
               BY_LENGTH: tl.constexpr, ZERO_INFINITY: tl.constexpr, RESCALE: tl.constexpr, ACC: tl.constexpr,
               LANES: tl.constexpr):  # fmt: skip
    """Program (n, 0) makes alpha and the loss of sample n, program (n, 1) its beta. Lane k has blank_k and label_k."""
    n = tl.program_id(0).to(tl.int64)
    backwards = tl.program_id(1) == 1
    length, size = tl.load(input_length + n), tl.load(target_length + n)  # length -1 marks an illegal sample
    k = tl.arange(0, LANES)
    place = tl.where(backwards, size - 1 - k, k)  # of label k in the target
    has_label = (k < size) & (size <= width)
    has_blank = (k <= size) & (size <= width)
    labels += n * labels_sample
    label = tl.load(labels + place, has_label, -1)
    before = tl.load(labels + tl.where(backwards, place + 1, place - 1), has_label & (k > 0), -1)

    log_probs += n * log_probs_sample
    at = tl.where(backwards, length - 1, 0) * log_probs_frame
    one_frame = tl.where(backwards, -log_probs_frame, log_probs_frame)
    e_label = tl.load(log_probs + at + label * log_probs_symbol, has_label & (length > 0), float("-inf")).to(ACC)
    e_blank = tl.load(log_probs + at + blank_at, length > 0, 0).to(ACC)
    in_blank = tl.where(k == 0, 0.0, float("-inf")).to(ACC)
    in_label = tl.full([LANES], float("-inf"), ACC)
    scale = tl.zeros([], tl.float64)
    for start in range(0, length, RESCALE):
        largest = tl.max(tl.maximum(in_blank, in_label), 0)
        largest = tl.where(largest == float("-inf"), 0, largest)
        in_blank -= largest
        in_label -= largest
        scale += largest.to(tl.float64)
        for step in range(start, tl.minimum(start + RESCALE, length)):
            at += one_frame  # the next frame is on its way while this one is worked on
            more = step + 1 < length
            next_label = tl.load(log_probs + at + label * log_probs_symbol, has_label & more, float("-inf"))
            next_blank = tl.load(log_probs + at + blank_at, more, 0)
            into_blank = _from_blank(in_blank, in_label, k)
            into_label = _add_as_logs(in_label, tl.where(label != before, into_blank, in_blank))
            in_blank = into_blank + e_blank
            in_label = into_label + e_label
            e_label, e_blank = next_label.to(ACC), next_blank.to(ACC)
            if scores is not None:
                frame = tl.where(backwards, length - 1 - step, step)
                row = scores + ((tl.program_id(1) * frames + frame) * batch + n) * (2 * width + 1)
                tl.store(row + tl.where(backwards, size - k, k), tl.where(backwards, into_blank, in_blank), has_blank)
                tl.store(row + width + 1 + place, tl.where(backwards, into_label, in_label), has_label)

    if not backwards:
        last = tl.sum(tl.where(k == size, _from_blank(in_blank, in_label, k), 0), 0)
        value = 0 - (scale + last.to(tl.float64))
        value = tl.where(size <= width, value, float("inf"))  # more labels than frames
        if ZERO_INFINITY:
            value = tl.where(value == float("inf"), 0, value)
        if BY_LENGTH:
            value /= tl.maximum(size, 1)
        if row_weight is not None:
            value *= tl.load(row_weight + n).to(tl.float64)
        tl.store(loss + n, tl.where(length < 0, float("nan"), value).to(ACC))


@triton.jit
def _scores_at(row, k, size, beta, width):
    """Sum alpha and beta of blank_k and label_k."""
    in_blank = tl.load(row + k, k <= size, float("-inf")) + tl.load(row + beta + k, k <= size, 0)
    row += width + 1
    in_label = tl.load(row + k, k < size, float("-inf")) + tl.load(row + beta + k, k < size, 0)
    return in_blank, in_label


@triton.jit
def _occupancy(scores, labels, columns, input_length, target_length, row_weight, divisor, upstream, gradient,
               batch, width, symbols, labels_sample, columns_sample, gradient_frame, gradient_sample,
               gradient_symbol, blank, BY_LENGTH: tl.constexpr, UPSTREAM_EACH: tl.constexpr, ACC: tl.constexpr,
               LANES: tl.constexpr, SYMBOLS: tl.constexpr):  # fmt: skip
    """One program takes one frame of one sample, and writes the gradient of the symbols in ``columns``."""
    frame, n = tl.program_id(0).to(tl.int64) // batch, tl.program_id(0).to(tl.int64) % batch
    size = tl.load(target_length + n)
    if (frame >= tl.load(input_length + n)) | (size > width):
        return
    row = scores + (frame * batch + n) * (2 * width + 1)
    beta = tl.num_programs(0).to(tl.int64) * (2 * width + 1)  # from alpha to beta

    largest = tl.full([], float("-inf"), ACC)
    blanks = tl.zeros([], ACC)
    total = tl.zeros([], ACC)
    for start in range(0, size + 1, LANES):
        in_blank, in_label = _scores_at(row, start + tl.arange(0, LANES), size, beta, width)
        earlier = largest
        largest = tl.maximum(largest, tl.max(tl.maximum(in_blank, in_label), 0))
        finite = tl.where(largest == float("-inf"), 0, largest)
        here = tl.sum(tl.exp(in_blank - finite), 0)
        blanks = blanks * tl.exp(earlier - finite) + here
        total = total * tl.exp(earlier - finite) + here + tl.sum(tl.exp(in_label - finite), 0)
    if total == 0:  # no path
        return

    flow = -1 / total
    if BY_LENGTH:
        flow /= tl.maximum(size, 1)
    if row_weight is not None:
        flow *= tl.load(row_weight + n)
    if divisor is not None:
        flow /= tl.load(divisor)
    if UPSTREAM_EACH:
        flow *= tl.load(upstream + n).to(ACC)
    elif upstream is not None:
        flow *= tl.load(upstream).to(ACC)
    for column in range(0, symbols, SYMBOLS):
        c = column + tl.arange(0, SYMBOLS)
        symbol = tl.load(columns + n * columns_sample + c, c < symbols, -1)
        weight = tl.where(symbol == blank, blanks, 0)
        for start in range(0, size, LANES):
            k = start + tl.arange(0, LANES)
            label = tl.load(labels + n * labels_sample + k, k < size, -1)
            in_blank, in_label = _scores_at(row, k, size, beta, width)
            same = label[:, None] == symbol[None, :]
            weight += tl.sum(tl.where(same, tl.exp(in_label - largest)[:, None], 0), 0)
        at = gradient + frame * gradient_frame + n * gradient_sample + symbol * gradient_symbol
        tl.store(at, (weight * flow).to(gradient.dtype.element_ty), c < symbols)


def _launch(log_probs: Tensor, labels: Tensor, input_length: Tensor, target_length: Tensor, row_weight: Tensor | None,
            divisor: Tensor | None, blank: int, zero_infinity: bool, by_length: bool, upstream: Tensor | None,
            loss: Tensor, gradient: Tensor | None) -> None:  # fmt: skip
    frames, batch, symbols = log_probs.shape
    width = labels.shape[1]
    labels, input_length, target_length = (t.contiguous() for t in (labels, input_length, target_length))
    row_weight, upstream = (None if t is None else t.contiguous() for t in (row_weight, upstream))
    lanes = max(power_of_2(width + 1), 32)
    acc = kernel_dtype(loss.dtype)
    scores = None if gradient is None else loss.new_empty(2, frames, batch, 2 * width + 1)  # alpha, beta
    launch(
        _recursion, (batch, 1 if gradient is None else 2), log_probs,
        log_probs, labels, input_length, target_length, row_weight, loss, scores,
        frames, batch, width, *log_probs.stride(), labels.stride(0), blank * log_probs.stride(2),
        BY_LENGTH=by_length, ZERO_INFINITY=zero_infinity, RESCALE=RESCALE, ACC=acc, LANES=lanes,
        num_warps=min(lanes // 32, 4 if lanes < 1024 else 16),
    )  # fmt: skip
    if gradient is None:
        return
    # The symbols that can have a gradient: all, or where they are fewer the labels, of which equal ones write the same.
    columns = torch.arange(symbols, device=labels.device).expand(batch, symbols)
    if width + 1 < symbols:
        columns = F.pad(labels, (0, 1), value=blank)
    launch(
        _occupancy, frames * batch, log_probs,
        scores, labels, columns, input_length, target_length, row_weight, divisor, upstream, gradient,
        batch, width, columns.shape[1], labels.stride(0), columns.stride(0), *gradient.stride(), blank,
        BY_LENGTH=by_length, UPSTREAM_EACH=upstream is not None and upstream.dim() > 0, ACC=acc,
        LANES=min(lanes, LABELS_AT_ONCE), SYMBOLS=min(power_of_2(columns.shape[1]), SYMBOLS_AT_ONCE),
    )  # fmt: skip


def _by_blocks(log_probs: Tensor, labels: Tensor, input_length: Tensor, target_length: Tensor,
               row_weight: Tensor | None, divisor: Tensor | None, blank: int, zero_infinity: bool,
               by_length: bool, upstream: Tensor | None, loss: Tensor, gradient: Tensor | None) -> None:  # fmt: skip
    """Do the same in tensor operations, one block of samples at a time."""
    frames, batch, _ = log_probs.shape
    one = torch.ones((), dtype=loss.dtype, device=loss.device)
    weight = (one if row_weight is None else row_weight).expand(batch)
    flow = (-weight / (one if divisor is None else divisor)) * (one if upstream is None else upstream)
    flow = flow / target_length.clamp(min=1) if by_length else flow
    for n in blocks(batch, labels.shape[1] + 1, SCORES_AT_ONCE):
        label, size = labels[n].T, target_length[n]
        width, samples = label.shape
        length = torch.where(size <= width, input_length[n], 0)
        past = torch.arange(frames, device=loss.device)[:, None, None] >= length  # (frames, 1, samples)
        # Past its own frames a sample waits in its blanks, which then cost nothing.
        e_blank = log_probs[:, n, blank].unsqueeze(1).to(loss.dtype).masked_fill(past, 0)
        e_label = log_probs[:, n].mT.gather(1, label.expand(frames, -1, -1)).to(loss.dtype)
        e_label.masked_fill_(past | (torch.arange(width, device=loss.device)[:, None] >= size), -torch.inf)
        likelihood, blanks, label_scores = _both_ways(e_blank, e_label, label, size, gradient is not None)
        value = torch.where(size <= width, 0 - likelihood, torch.inf)
        value = torch.where(value == torch.inf, 0.0, value) if zero_infinity else value
        value = value / size.clamp(min=1) if by_length else value
        loss[n] = (weight[n] * value).masked_fill(input_length[n] < 0, torch.nan)
        if gradient is None:
            continue
        nothing = past | (likelihood == -torch.inf)
        for f in blocks(frames, samples * (2 * width + 1)):
            beta = slice(frames - f.stop, frames - f.start)
            score = torch.cat([blanks[f, :, :samples] + e_blank[f], label_scores[f, :, :samples] + e_label[f]], 1)
            score[:, : width + 1] += blanks[beta, :, samples:].flip(0, 1)
            score[:, width + 1 :] += label_scores[beta, :, samples:].flip(0, 1)
            share = torch.softmax(score, 1).mul_(flow[n]).masked_fill_(nothing[f], 0)
            part = gradient[f, n].to(loss.dtype)
            part[:, :, blank] = share[:, : width + 1].sum(1)
            part.mT.scatter_add_(1, label.expand(len(part), -1, -1), share[:, width + 1 :])
            gradient[f, n] = part


def _both_ways(
    e_blank: Tensor, e_label: Tensor, label: Tensor, size: Tensor, keep: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Run alpha and beta as one batch, both without the frame's own e.

    Returns:
        The log-likelihood, and of the blanks and of the labels alpha (frames, states, samples) and after it along the
        samples beta, with frames and states in reverse order; only if ``keep``.
    """
    frames, width, samples = e_label.shape
    both_blank = torch.cat([e_blank, e_blank.flip(0)], 2).unbind()
    both_label = torch.cat([e_label, e_label.flip(0, 1)], 2).unbind()
    label = torch.cat([label, label.flip(0)], 1)
    differ = F.pad(label[1:] != label[:-1], (0, 0, min(width, 1), 0), value=True)

    first = torch.cat([torch.zeros_like(size), width - size])
    in_blank = torch.full((width + 1, 2 * samples), -torch.inf, dtype=e_label.dtype, device=e_label.device)
    before = in_blank.clone()  # label_(k-1) beside blank_k
    in_label, beside = before[1:], in_blank[:-1]
    in_blank.masked_fill_(torch.arange(width + 1, device=size.device)[:, None] == first, 0)
    rows = frames if keep else min(frames, 1)
    blanks, labels = in_blank.new_empty(rows, *in_blank.shape), in_label.new_empty(rows, *in_label.shape)
    into_blank, into_beside, into_label = blanks.unbind(), blanks[:, :-1].unbind(), labels.unbind()
    come = torch.empty_like(in_label)
    scale = [in_blank.new_zeros(1, 2 * samples)]
    for t in range(frames):
        if t and t % RESCALE == 0:
            largest = torch.maximum(in_blank, before).amax(0, keepdim=True)
            largest = largest.masked_fill(largest == -torch.inf, 0)
            in_blank -= largest
            in_label -= largest
            scale.append(largest)
        row = t if keep else 0
        torch.logaddexp(in_blank, before, out=into_blank[row])
        torch.where(differ, into_beside[row], beside, out=come)
        torch.logaddexp(in_label, come, out=into_label[row])
        torch.add(into_blank[row], both_blank[t], out=in_blank)
        torch.add(into_label[row], both_label[t], out=in_label)
    last = torch.logaddexp(in_blank, before)[:, :samples].gather(0, size.clamp(0, width)[None])
    return (torch.cat(scale)[:, :samples].sum(0) + last).squeeze(0), blanks, labels


@torch.library.custom_op("lossbook::ctc_loss", mutates_args=())
def _ctc_loss(log_probs: Tensor, labels: Tensor, input_length: Tensor, target_length: Tensor,
              row_weight: Tensor | None, divisor: Tensor | None, blank: int, zero_infinity: bool, by_length: bool,
              upstream: Tensor | None, reduced: bool, wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:  # fmt: skip
    loss = log_probs.new_empty(log_probs.shape[1], dtype=accumulator(log_probs.dtype))
    gradient = torch.zeros_like(log_probs) if wanted[0] else log_probs.new_empty(0)
    compute = _launch if run_kernels(log_probs) else _by_blocks
    compute(
        log_probs, labels, input_length, target_length, row_weight, divisor, blank, zero_infinity, by_length, upstream,
        loss, gradient if wanted[0] else None,
    )  # fmt: skip
    return reduce_rows(loss, divisor, reduced), gradient


@_ctc_loss.register_fake
def _fake(log_probs: Tensor, labels: Tensor, input_length: Tensor, target_length: Tensor,
          row_weight: Tensor | None, divisor: Tensor | None, blank: int, zero_infinity: bool, by_length: bool,
          upstream: Tensor | None, reduced: bool, wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:  # fmt: skip
    return (
        log_probs.new_empty(() if reduced else (log_probs.shape[1],), dtype=accumulator(log_probs.dtype)),
        torch.empty_like(log_probs) if wanted[0] else log_probs.new_empty(0),
    )


_differentiable = differentiate(_ctc_loss, gradients=("log_probs",))


@fused(readable.ctc_loss, gradients=("log_probs",))
def ctc_loss(
    log_probs, targets, input_lengths, target_lengths, *, blank, zero_infinity, sample_weight, normalizer, reduction
):
    """Fused: one program for each sample and direction, the gradient as a softmax over the states of a frame.

    The same input gives the same bits every time. Scores are rescaled along the way, so that in float32 the gradient
    of a long input is as exact as that of a short one.
    """
    batch = as_samples(log_probs, targets, input_lengths, target_lengths, blank, sample_weight)
    row_weight = None if batch.entry is None else batch.entry.flatten().to(accumulator(log_probs.dtype))
    by_length = reduction == "mean" and normalizer is None
    divisor = None
    if by_length and row_weight is not None:
        divisor = row_weight.sum()
    elif reduction == "mean":
        divisor = number(batch.target_length.shape[0] if normalizer is None else normalizer, log_probs)
    (loss,) = _differentiable(
        batch.log_probs, batch.labels, batch.input_length.masked_fill(~batch.legal, -1), batch.target_length,
        row_weight, divisor, blank, zero_infinity, by_length, None, reduction != "none",
        gradients_now(reduction, log_probs),
    )  # fmt: skip
    return as_result_dtype(loss if reduction != "none" else loss.view(batch.shape), log_probs)


class CTCLoss(readable.CTCLoss, of=ctc_loss):
    """``lossbook.CTCLoss`` with the fused kernel."""
