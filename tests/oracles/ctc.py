"""Graves et al. (2006), equation 3: add up every path, one after the other."""

import itertools
import math

import torch
from mpmath import exp, inf, log, mpf
from torch import tensor
from torch.nn import functional

from oracles import Bad, Case, Known, fixed


def oracle(log_probs, targets, input_lengths, target_lengths, *, blank=0, zero_infinity=False):
    losses = []
    for scores, labels in samples(log_probs, targets, input_lengths, target_lengths):
        frames = [[exp(score) for score in frame] for frame in scores]
        total = mpf(0)
        for path in itertools.product(*(range(len(frame)) for frame in frames)):
            if spelled(path, blank) == labels:
                total += math.prod((frame[symbol] for frame, symbol in zip(frames, path, strict=True)), start=mpf(1))
        losses.append(-log(total) if total else mpf(0) if zero_infinity else inf)
    return losses


def spelled(path, blank):
    """Merge equal neighbours, then drop blanks."""
    return [symbol for symbol, _ in itertools.groupby(path) if symbol != blank]


def samples(log_probs, targets, input_lengths, target_lengths):
    """Take a batch apart: the frames and the labels of each sample, without padding."""
    if not isinstance(log_probs[0][0], list):
        log_probs = [[frame] for frame in log_probs]
    start = 0
    for n, (frames, size) in enumerate(zip(sizes(input_lengths), sizes(target_lengths), strict=True)):
        row = targets[n] if targets and isinstance(targets[0], list) else targets[start:]
        start += size
        yield [frame[n] for frame in log_probs[:frames]], row[:size]


def sizes(lengths):
    return lengths if isinstance(lengths, list | tuple) else [lengths]


def in_mean(losses, log_probs, targets, input_lengths, target_lengths, **settings):
    return [loss / max(size, 1) for loss, size in zip(losses, sizes(target_lengths), strict=True)]


def TWIN(log_probs, targets, input_lengths, target_lengths, *, reduction="mean", **settings):  # noqa: N802
    """Correct torch's gradient, which is the one with respect to logits: softmax minus the share of the paths.

    What is added has the value 0 and the gradient minus softmax, in every frame of every sample that has a path.
    On the CPU torch has no loss of narrow floats.
    """
    dtype = log_probs.dtype
    log_probs = log_probs.float() if dtype.itemsize < 4 else log_probs
    input_lengths, target_lengths = torch.as_tensor(input_lengths), torch.as_tensor(target_lengths)
    lengths = (targets, input_lengths, target_lengths)
    losses = functional.ctc_loss(log_probs, *lengths, reduction="none", **settings).detach()
    frame = torch.arange(len(log_probs)).reshape(-1, *[1] * losses.dim())
    used = (frame < input_lengths) & (losses != 0)
    softmax = (log_probs.exp().sum(-1) * used).sum(0)
    correction = softmax.detach() - softmax
    if reduction == "mean":
        correction = (correction / target_lengths.clamp(min=1)).mean()
    if reduction == "sum":
        correction = correction.sum()
    return (functional.ctc_loss(log_probs, *lengths, reduction=reduction, **settings) + correction).to(dtype)


def scores(rng, scale, *shape):
    return (scale * torch.randn(*shape, generator=rng, dtype=torch.double)).log_softmax(-1)


# No label, one, two equal, three in as many frames, two with frames to spare; what lies past a length is not read.
ROWS = tensor([[-100, 7, 0], [2, -1, -1], [1, 1, 99], [1, 2, 1], [2, 1, 0]])
FRAMES, LABELS = tensor([4, 6, 5, 3, 6]), tensor([0, 1, 2, 3, 2])


def padded(rng, scale):
    order = torch.randperm(5, generator=rng)
    return scores(rng, scale, 6, 5, 3), ROWS[order], FRAMES[order], LABELS[order]


def last_blank(rng, scale):
    log_probs, rows, *lengths = padded(rng, scale)
    return log_probs, rows - 1, *lengths


def without_path(rng, scale):
    """The same, where three labels, two equal ones and one label have a frame too few."""
    log_probs, rows, frames, labels = padded(rng, scale)
    return log_probs, rows, torch.where(frames == 6, frames, labels - 1).clamp(min=0), labels


def one_after_the_other(rng, scale):
    return scores(rng, scale, 6, 5, 3), ROWS[torch.arange(3) < LABELS[:, None]], FRAMES.tolist(), LABELS


def lists(rng, scale):
    return scores(rng, scale, 5, 2, 3), tensor([1, 2, 2, 2]), [4, 5], (1, 3)


def one_sample(rng, scale):
    return scores(rng, scale, 5, 4), tensor([1, 3, 3]), tensor(5), tensor(3)


def even_row(rng, scale):
    return scores(rng, scale, 4, 3), tensor([[2, 1]]), [4], [2]


def wide(rng, scale):
    """More labels in the padding than there are frames."""
    rows = torch.cat([ROWS[1:4], torch.full((3, 5), -1)], dim=1)
    return scores(rng, scale, 5, 3, 3), rows, FRAMES[1:4].clamp(max=5), LABELS[1:4]


class Whole(Case):
    """A batch that cannot be taken apart by indexing every argument along one dimension."""

    unbatched = True


CASES = [
    Case("padded", padded),
    Case("blank last", last_blank, {"blank": 2}),
    Case("some without path", without_path, {"zero_infinity": True}),
    Whole("one after the other", one_after_the_other),
    Whole("lists", lists),
    Whole("one sample", one_sample),
    Whole("one sample in a row", even_row),
    Case("wide padding", wide),
]
BATCH_DIMS = (1, 0, 0, 0)


def given(log_probs, labels, frames=None):
    frames = len(log_probs) if frames is None else frames
    return fixed(log_probs[:, None], tensor([labels], dtype=torch.long), tensor([frames]), tensor([len(labels)]))


def uniform(frames, symbols):
    return torch.full((frames, symbols), 1 / symbols, dtype=torch.double).log()


HUGE = 1e4 * tensor([[1.0, -1.0, 0.0], [-1.0, 1.0, 0.5], [0.0, 1.0, -1.0], [1.0, 0.9, -1.0], [-1.0, -1.0, 1.0]])
FORBIDDEN = tensor([[0.0, 1.0, -torch.inf], [-torch.inf, 0.0, 1.0], [0.0, -torch.inf, 2.0], [1.0, 0.0, -torch.inf]])
ONLY = tensor([[0.0, 1.0, 2.0], [-torch.inf, -torch.inf, 0.0], [1.0, 0.0, -1.0], [-torch.inf, -torch.inf, 0.0]])
SURE = 1e4 * functional.one_hot(tensor([1, 0, 1, 2]), 3).double()
EXTREMES = [
    Case("huge logits", given(HUGE.log_softmax(-1), [1, 2])),
    Case("huge logits against the target", given(HUGE.log_softmax(-1), [2, 2])),
    Case("sure and right", given(SURE.log_softmax(-1), [1, 1, 2])),
    Case("sure and wrong", given(SURE.log_softmax(-1), [2, 1])),
    Case("forbidden symbols", given(FORBIDDEN.log_softmax(-1), [1, 2])),
    Case("one symbol in a frame", given(ONLY.log_softmax(-1), [1, 2])),
    Case("forbidden target", given(FORBIDDEN.log_softmax(-1), [1, 2, 1, 2])),
    Case("forbidden target counts 0", given(FORBIDDEN.log_softmax(-1), [1, 2, 1, 2]), {"zero_infinity": True}),
    Case("a frame too few", given(uniform(4, 3), [1, 1, 1])),
    Case("a frame too few counts 0", given(uniform(4, 3), [1, 1, 1]), {"zero_infinity": True}),
    Case("more labels than frames", given(uniform(2, 3), [1, 2, 1, 2])),
    Case("no frames, no labels", given(uniform(4, 3), [], frames=0)),
    Case("no frames, a label", given(uniform(4, 3), [1], frames=0)),
    Case("even odds", given(uniform(6, 2), [1])),
    Case("one symbol", given(torch.zeros(3, 1), [])),
]


def same(frames, symbols, labels):
    """One sample of uniform frames, so that the loss counts paths."""
    return given(uniform(frames, symbols), labels)(None, 1.0)


TWO = (uniform(3, 3)[:, None].expand(3, 2, 3), tensor([[1, 0], [1, 2]]), tensor([3, 3]), tensor([1, 2]))
TABLE = [
    Known(same(5, 4, [1, 1, 1]), [5 * math.log(4)], "1,1,1 in five frames: one path"),
    Known(same(4, 4, [1, 1, 1]), [math.inf], "1,1,1 in four frames: no path"),
    Known(same(3, 2, [1]), [math.log(8 / 6)], "one label in three frames: six runs"),
    Known(same(3, 3, [1, 2]), [math.log(27 / 5)], "two labels in three frames: five paths"),
    Known(same(4, 3, []), [4 * math.log(3)], "no label: the path of blanks"),
    Known(TWO, [(math.log(27 / 6) + math.log(27 / 5) / 2) / 2], "lengths divide first", {"reduction": "mean"}),
]
LAWS = ("nonnegative",)


def change(place, new):
    return lambda args: (*args[:place], new(args[place]), *args[place + 1 :])


BAD = [
    Bad("blank", ValueError, r"blank must be a symbol in 0\.\.2; got 3", settings={"blank": 3}, constructor=False),
    Bad("negative blank", ValueError, "blank must be at least 0; got -1", settings={"blank": -1}),
    Bad("blank type", TypeError, r"blank must be an int; got 0\.0", settings={"blank": 0.0}),
    Bad("zero_infinity", TypeError, "zero_infinity must be True or False; got 1", settings={"zero_infinity": 1}),
    Bad("integer log_probs", TypeError, "log_probs must be a floating-point tensor", change(0, torch.Tensor.long)),
    Bad(
        "four dimensions", ValueError, r"log_probs must have shape .* got \(1, 6, 5, 3\)", change(0, lambda p: p[None])
    ),
    Bad("logits", ValueError, r"log_probs must be log-probabilities, .* got [0-9.]+ at index", change(0, torch.neg)),
    Bad(
        "batch first",
        ValueError,
        r"input_lengths must have shape \(6,\), .* got \(5,\); with the batch first use log_probs.transpose\(0, 1\)",
        change(0, lambda p: p.transpose(0, 1)),
    ),
    Bad(
        "float targets",
        TypeError,
        "targets must be an integer tensor of labels, for instance targets.long()",
        change(1, torch.Tensor.float),
    ),
    Bad(
        "rows missing",
        ValueError,
        r"targets must have shape \(5, labels\), .* got \(4, 3\)",
        change(1, lambda t: t[:4]),
    ),
    Bad(
        "class unknown",
        ValueError,
        "targets must be labels in 0..2 other than blank=0; got 3",
        change(1, lambda t: t + 1),
    ),
    Bad("blank label", ValueError, "targets must be labels .* other than blank=0; got 0", change(1, torch.zeros_like)),
    Bad(
        "joined", ValueError, "the sum of target_lengths must be 15, the labels given; got 8", change(1, torch.flatten)
    ),
    Bad("frames", ValueError, r"input_lengths must be in 0\.\.6, the frames given; got 7", change(2, lambda n: n + 1)),
    Bad("negative frames", ValueError, r"input_lengths must be in 0\.\.6, .* got -1", change(2, lambda n: n - 4)),
    Bad("labels", ValueError, r"target_lengths must be in 0\.\.3, the labels given; got 4", change(3, lambda n: n + 1)),
    Bad("negative labels", ValueError, r"target_lengths must be in 0\.\.3, .* got -1", change(3, lambda n: n - 1)),
    Bad(
        "float lengths", TypeError, "input_lengths must be an integer tensor of lengths", change(2, torch.Tensor.float)
    ),
    Bad(
        "float in a list",
        TypeError,
        r"target_lengths\[1\] must be an int; got 1.0",
        change(3, lambda n: [0, 1.0, 2, 3, 2]),
    ),
    Bad("short list", ValueError, r"input_lengths must have shape \(5,\), .* got \(2,\)", change(2, lambda n: [4, 4])),
    Bad("one length", ValueError, r"target_lengths must have shape \(5,\), .* got \(\)", change(3, lambda n: 3)),
]
