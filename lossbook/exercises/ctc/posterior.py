r"""The targets that CTC makes up.

For one sample, `log_probs` has shape (frames, symbols), `target` holds at least one label, and the blank is 0.
`alpha` and `beta`, both (frames, 2 * labels + 1), are logarithms over the states "blank, label, blank, ..., blank":
`alpha` of the forward sums with frame $t$, `beta` of the backward sums, which weigh all endings *after* frame $t$.
Return the derivative of the loss, minus the logarithm of what all paths that spell the target weigh, by the logits in
front of the `log_softmax`, without autograd.
There is such a path; what no path reaches is $-\infty$; hundreds of frames must not underflow.

Nudge: Of all paths that spell the target, what share is in state s at frame t? And which states say the same symbol?

Sketch: In each frame, alpha + beta is the logarithm of all paths through a state, so their softmax over the states is
the share of each. Add up the states of a symbol, all blanks among them, and take the result off the probabilities.

Why: Each frame is a softmax against a target that CTC has made itself: how the timings that spell the right thing share
this frame among the symbols. The total need not be known, for in every frame the states add up to it. States of one
symbol have to be added; an assignment keeps one of the blanks. Exponentials taken before the division are 0 / 0 after
some hundred frames in float32.
"""

import math

import torch
import torch.nn.functional as F

from .._cases import WIDE, Case
from .._exact import slope

KIND = "derive"
LEVEL = 3
MINUTES = 20
AFTER = ["ctc.forward"]
WITHOUT = ["autograd", "lossbook", "a loss of torch"]


def cases():
    targets = [(1,), (2, 1), (1, 1), (2, 2, 1), (1, 2, 1), (1, 1, 1)]
    for dtype in WIDE:
        for target in targets:
            for frames in (5, 6, 9):
                yield _case("value", frames, target, dtype)
        for target in targets:
            yield _case("minus infinity", 8, target, dtype, closed=0.3)
    yield _case("hundreds of frames", 300, (1, 2, 2), torch.float32)


def _case(label, frames, target, dtype, closed=0.0):
    while True:
        out = torch.rand(frames, 3) < closed
        out[:, 0] &= ~out.all(1)
        logits = 2 * torch.randn(frames, 3, dtype=torch.double)
        log_probs = logits.masked_fill(out, -math.inf).log_softmax(-1)
        states = _states(target)
        alpha = _sums(log_probs, states)
        beta = _sums(log_probs.flip(0), states[::-1], own_frame=False).flip(0, 1)
        if (alpha + beta).amax() > -math.inf:
            break
    args = [log_probs.to(dtype), torch.tensor(target), alpha.to(dtype), beta.to(dtype)]
    return Case(label, args, ["log_probs", "target", "alpha", "beta"], dtype)


def _states(labels):
    states = [0]
    for label in labels:
        states += [label, 0]
    return states


def _sums(log_probs, states, own_frame=True):
    """Logarithms of the sums over all beginnings, with the probability of their last frame or without it."""
    score, rows = [0.0] + [-math.inf] * (len(states) - 1), []
    for now in log_probs.tolist():
        came = []
        for k, s in enumerate(states):
            skips = k > 1 and s not in (0, states[k - 2])
            terms = [score[k], *([score[k - 1]] if k else []), *([score[k - 2]] if skips else [])]
            top = max(terms)
            came.append(top + math.log(sum(math.exp(term - top) for term in terms)) if top > -math.inf else top)
        score = [total + now[s] for total, s in zip(came, states, strict=True)]
        rows.append(score if own_frame else came)
    return torch.tensor(rows, dtype=torch.double)


def size(log_probs, target, alpha, beta):
    return 4.0 + (alpha + beta).amax().abs()  # roundings of a logarithm move what it is the logarithm of


def logit_gradient(log_probs, target, alpha, beta):
    states = torch.zeros(2 * len(target) + 1, dtype=torch.long)
    states[1::2] = target
    through = (alpha + beta).softmax(1)  # share of the paths that are in each state
    return log_probs.exp().index_add(1, states, -through)


def exact(log_probs, target, alpha, beta):
    """The slope of the loss from its forward sums, which are scaled to 1 in each frame."""
    states = torch.tensor(_states(target.tolist()))
    skip = (F.pad(states, (2, 0), value=-1)[:-2] != states) & (states != 0)

    def loss(logits):
        now = (torch.arange(len(states)) == 0).double()
        total = 0.0
        for frame in logits.softmax(-1)[:, states]:
            before = F.pad(now, (2, 0))
            now = (now + before[1:-1] + skip * before[:-2]) * frame
            total = total - now.sum().log()
            now = now / now.sum()
        return total - now[-2:].sum().log()

    return slope(loss, log_probs)


def right_state_by_state(log_probs, target, alpha, beta):
    total = alpha[-1, -2:].logsumexp(0)
    found = log_probs.exp()
    share = (alpha + beta - total).exp()
    found[:, 0] -= share[:, 0::2].sum(1)
    for place, label in enumerate(target.tolist()):
        found[:, label] -= share[:, 2 * place + 1]
    return found


def right_symbol_by_symbol(log_probs, target, alpha, beta):
    states = F.pad(F.pad(target[:, None], (1, 0)).flatten(), (0, 1))
    paths = alpha + beta
    total = paths.logsumexp(1)
    columns = []
    for symbol in range(log_probs.shape[1]):
        through = paths.masked_fill(states != symbol, -math.inf).logsumexp(1)
        columns.append(log_probs[:, symbol].exp() - (through - total).exp())
    return torch.stack(columns, 1)


def right_one_product(log_probs, target, alpha, beta):
    states = torch.stack([torch.zeros_like(target), target], 1).flatten()
    says = F.one_hot(torch.cat([states, states[:1]]), log_probs.shape[1]).to(log_probs.dtype)
    paths = alpha + beta
    share = (paths - paths.amax()).exp()
    return log_probs.exp() - share / share.sum(1, keepdim=True) @ says


def _shares(target, alpha, beta):
    states = torch.zeros(2 * len(target) + 1, dtype=torch.long)
    states[1::2] = target
    return states, (alpha + beta).softmax(1)


def wrong_exponentials_first(log_probs, target, alpha, beta):
    """Refused by: hundreds of frames."""
    states, _ = _shares(target, alpha, beta)
    through = alpha.exp() * beta.exp()
    return log_probs.exp().index_add(1, states, -through / through.sum(1, keepdim=True))


def wrong_assigned_and_not_added(log_probs, target, alpha, beta):
    states, share = _shares(target, alpha, beta)
    found = log_probs.exp()
    found[:, states] -= share
    return found


def wrong_labels_alone(log_probs, target, alpha, beta):
    states, share = _shares(target, alpha, beta)
    return log_probs.exp().index_add(1, states[1::2], -share[:, 1::2])


def wrong_by_the_log_probabilities(log_probs, target, alpha, beta):
    states, share = _shares(target, alpha, beta)
    return torch.zeros_like(log_probs).index_add(1, states, -share)


def wrong_sign(log_probs, target, alpha, beta):
    return -logit_gradient(log_probs, target, alpha, beta)


def wrong_forward_sums_alone(log_probs, target, alpha, beta):
    states, share = _shares(target, alpha, 0 * alpha.nan_to_num())
    return log_probs.exp().index_add(1, states, -share)


def wrong_frame_counted_twice(log_probs, target, alpha, beta):
    states, _ = _shares(target, alpha, beta)
    share = (alpha + beta + log_probs[:, states]).softmax(1)
    return log_probs.exp().index_add(1, states, -share)


def wrong_shares_of_the_whole_lattice(log_probs, target, alpha, beta):
    states, _ = _shares(target, alpha, beta)
    paths = alpha + beta
    share = (paths - paths.flatten().logsumexp(0)).exp()
    return log_probs.exp().index_add(1, states, -share)


def wrong_over_the_labels(log_probs, target, alpha, beta):
    return logit_gradient(log_probs, target, alpha, beta) / (1 + len(target))
