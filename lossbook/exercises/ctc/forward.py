r"""The forward sums in logarithms.

For one sample, `log_probs` has shape (frames, symbols) and may hold $-\infty$; `target` holds at least one label, and
the blank is 0.
Return the logarithms of the forward sums $\alpha_t(s)$, shape (frames, 2 * labels + 1): how likely are all beginnings
of a path that have spelled, in frame $t$, the target up to the state $s$ of "blank, label, blank, ..., label, blank"?
What no path reaches is $-\infty$, and thousands of frames must not underflow.

Nudge: From which states can a path come into a blank? From which ones into a label, and into a label that equals the
one before?

Sketch: Keep one row of logarithms. Shift it by one and by two states, put minus infinity where nothing comes from, and
where a skip would merge two equal labels; add the three with logsumexp, and then the log-probabilities of the states.

Why: Before the first frame only the first blank is there, and one step of the recursion then gives the first frame
too. A skip over the blank is right between different labels only; the blanks are all equal, so one comparison two
states back says it for both. Sums of probabilities are 0 in float32 after some tens of frames.
"""

import math

import torch
import torch.nn.functional as F

from .._cases import WIDE, Case

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["ctc.columns"]
WITHOUT = ["lossbook", "a loss of torch"]


def cases():
    targets = [(1,), (2, 1), (1, 1), (2, 2, 1), (1, 2, 1), (1, 1, 1)]
    for dtype in WIDE:
        for target in targets:
            for frames in (1, 3, 6):
                yield _case("value", frames, target, dtype)
        for target in targets:
            yield _case("minus infinity", 5, target, dtype, closed=0.3)
    yield _long()


def _case(label, frames, target, dtype, closed=0.0):
    logits = 2 * torch.randn(frames, 3, dtype=dtype)
    out = torch.rand(frames, 3) < closed
    out[:, 0] &= ~out.all(1)
    args = [logits.masked_fill(out, -math.inf).log_softmax(-1), torch.tensor(target)]
    return Case(label, args, ["log_probs", "target"], dtype)


def _long():
    args = [torch.randn(2000, 3, dtype=torch.double).log_softmax(-1), torch.tensor([1, 2, 2])]
    return Case("thousands of frames", args, ["log_probs", "target"])


def size(log_probs, target):
    return 4.0 + 20 * len(log_probs)


def forward_scores(log_probs, target):
    states = F.pad(target[:, None], (1, 0)).flatten()
    states = F.pad(states, (0, 1))
    different = F.pad(states, (2, 0))[:-2] != states
    score = torch.full_like(log_probs[0, states], -math.inf)
    score[0] = 0
    rows = []
    for now in log_probs[:, states]:
        later = F.pad(score, (2, 0), value=-math.inf)
        skip = later[:-2].masked_fill(~different, -math.inf)
        score = torch.stack([score, later[1:-1], skip]).logsumexp(0) + now
        rows.append(score)
    return torch.stack(rows)


def exact(log_probs, target):
    """All beginnings where they can be written down, and else sums of probabilities that are scaled to 1."""
    frames, symbols = log_probs.shape
    labels = target.tolist()
    if frames > 6:
        return _scaled(log_probs, labels)
    found = torch.full((frames, 2 * len(labels) + 1), -math.inf, dtype=torch.double)
    begun = {(): 0.0}
    for t in range(frames):
        begun = {(*path, s): p + log_probs[t, s].item() for path, p in begun.items() for s in range(symbols)}
        for path, p in begun.items():
            spelled = [s for s, before in zip(path, (None, *path), strict=False) if s and s != before]
            if spelled == labels[: len(spelled)]:
                state = 2 * len(spelled) - (path[-1] != 0)
                found[t, state] = torch.logaddexp(found[t, state], torch.tensor(p, dtype=torch.double))
    return found


def _scaled(log_probs, labels):
    states = [0]
    for label in labels:
        states += [label, 0]
    now, scale, rows = [1.0] + [0.0] * (len(states) - 1), 0.0, []
    for frame in log_probs.exp().tolist():
        came = []
        for k, s in enumerate(states):
            total = now[k] + (now[k - 1] if k else 0.0)
            if k > 1 and s and s != states[k - 2]:
                total += now[k - 2]
            came.append(total * frame[s])
        largest = max(came)
        scale += math.log(largest)
        now = [x / largest for x in came]
        rows.append([scale + math.log(x) if x else -math.inf for x in now])
    return torch.tensor(rows, dtype=torch.double)


def right_loops(log_probs, target):
    states = [0]
    for label in target.tolist():
        states += [label, 0]
    nothing = log_probs.new_tensor(-math.inf)
    score = [log_probs[0, 0], log_probs[0, states[1]]] + [nothing] * (len(states) - 2)
    rows = [torch.stack(score)]
    for now in log_probs[1:]:
        came = []
        for k, s in enumerate(states):
            total = torch.logaddexp(score[k], score[k - 1]) if k else score[k]
            if k > 1 and s not in (0, states[k - 2]):
                total = torch.logaddexp(total, score[k - 2])
            came.append(total + now[s])
        score = came
        rows.append(torch.stack(score))
    return torch.stack(rows)


def right_a_matrix_of_moves(log_probs, target):
    states = torch.zeros(2 * len(target) + 1, dtype=torch.long)
    states[1::2] = target
    k = torch.arange(len(states))
    back = k[:, None] - k
    open_ = (back == 0) | (back == 1) | ((back == 2) & (states[:, None] != states) & (states[:, None] != 0))
    moves = torch.where(open_, 0.0, -math.inf).to(log_probs.dtype)
    score = torch.where(k < 2, log_probs[0, states], -math.inf)
    rows = [score]
    for now in log_probs[1:, states]:
        score = (moves + score).logsumexp(1) + now
        rows.append(score)
    return torch.stack(rows)


def _walked(log_probs, target, closed, add=torch.logsumexp):
    """The table, with skips closed where the states say, and a way to add up."""
    states = F.pad(F.pad(target[:, None], (1, 0)).flatten(), (0, 1))
    score = torch.full_like(log_probs[0, states], -math.inf)
    score[0] = 0
    rows = []
    for now in log_probs[:, states]:
        later = F.pad(score, (2, 0), value=-math.inf)
        skip = later[:-2].masked_fill(closed(states), -math.inf)
        score = add(torch.stack([score, later[1:-1], skip]), 0) + now
        rows.append(score)
    return torch.stack(rows)


def _same_as_two_before(states):
    return F.pad(states, (2, 0))[:-2] == states


def wrong_skips_between_equal_labels(log_probs, target):
    return _walked(log_probs, target, lambda states: states == 0)


def wrong_skips_over_labels(log_probs, target):
    return _walked(log_probs, target, lambda states: states < 0)


def wrong_never_skips(log_probs, target):
    return _walked(log_probs, target, lambda states: states >= 0)


def wrong_best_path_only(log_probs, target):
    return _walked(log_probs, target, _same_as_two_before, torch.amax)


def wrong_starts_anywhere(log_probs, target):
    states = F.pad(F.pad(target[:, None], (1, 0)).flatten(), (0, 1))
    score, rows = log_probs[0, states], [log_probs[0, states]]
    for now in log_probs[1:, states]:
        later = F.pad(score, (2, 0), value=-math.inf)
        skip = later[:-2].masked_fill(_same_as_two_before(states), -math.inf)
        score = torch.stack([score, later[1:-1], skip]).logsumexp(0) + now
        rows.append(score)
    return torch.stack(rows)


def wrong_sums_of_probabilities(log_probs, target):
    """Refused by: thousands of frames."""
    states = F.pad(F.pad(target[:, None], (1, 0)).flatten(), (0, 1))
    different = F.pad(states, (2, 0))[:-2] != states
    sums = F.one_hot(torch.tensor(0), len(states)).to(log_probs.dtype)
    rows = []
    for now in log_probs.exp()[:, states]:
        later = F.pad(sums, (2, 0))
        sums = (sums + later[1:-1] + later[:-2] * different) * now
        rows.append(sums)
    return torch.stack(rows).log()


def wrong_log_sum_exp_by_hand(log_probs, target):
    """Refused by: value."""
    states = F.pad(F.pad(target[:, None], (1, 0)).flatten(), (0, 1))
    different = F.pad(states, (2, 0))[:-2] != states
    score = torch.full_like(log_probs[0, states], -math.inf)
    score[0] = 0
    rows = []
    for now in log_probs[:, states]:
        later = F.pad(score, (2, 0), value=-math.inf)
        three = torch.stack([score, later[1:-1], later[:-2].masked_fill(~different, -math.inf)])
        largest = three.amax(0)
        score = largest + (three - largest).exp().sum(0).log() + now
        rows.append(score)
    return torch.stack(rows)
