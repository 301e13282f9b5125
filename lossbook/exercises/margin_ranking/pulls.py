r"""Pulled from two sides.

Things have `scores`, shape (N,), and people said of P pairs that the thing `better[k]` is better than the thing
`worse[k]`; the same thing may be in many pairs.
Return the derivative of the *mean* margin ranking loss over the pairs by `scores`, shape (N,), without autograd.
A lead of exactly `margin` still pulls, as it does in torch.

Nudge: What does one pair add to the slopes of its two scores? And what does a thing get that is in two pairs?

Sketch: A pair within the margin adds -1/P at its better thing and 1/P at its worse one; index_add adds up what comes to
one place, and an assignment to indices keeps one of them.

Why: How far a pair is behind says nothing; what counts is in how many pairs a thing is not far enough ahead, less those
in which it is not far enough behind. A thing between two others may be pulled both ways and not move, and all pulls add
up to 0. With a margin of 0 and equal scores every pair is at exactly its margin: were the slope 0 there, a model whose
last layer starts at zero would never begin.
"""

import torch
import torch.nn.functional as F

from .._draw import index, number, real
from .._exact import slope

KIND = "derive"
LEVEL = 2
MINUTES = 10
TAKES = {
    "scores": real("N"),
    "better": index("P", of="N"),
    "worse": index("P", of="N"),
    "margin": number(0.05, 20, 1.0),
}
WITHOUT = ["autograd"]
SCALES = (1e-3, 0.1, 1.0, 10.0, 1e3)
DTYPES = (torch.float64,)  # a margin that float32 cannot hold has no lead that equals it
FILLED = ()
LEAST = {"N": 2, "P": 1}
SIZE = 1.0  # pulls that may cancel
AT = {
    "equal scores and a margin of 0": {
        "scores": [2.0, 2.0, 2.0, 2.0],
        "better": [0, 0, 1, 3],
        "worse": [1, 2, 2, 2],
        "margin": 0.0,
    },
    "in many pairs": {
        "scores": [0.0, 0.5, 3.0],
        "better": [0, 0, 0, 1, 2],
        "worse": [1, 1, 2, 0, 0],
        "margin": 1.0,
    },
}


def score_pull(scores, better, worse, margin):
    near = scores[better] - scores[worse] <= margin
    each = near.to(scores.dtype) / len(better)
    return torch.zeros_like(scores).index_add(0, better, -each).index_add(0, worse, each)


def exact(scores, better, worse, margin):
    one = torch.ones_like(scores[better])
    return slope(lambda s: F.margin_ranking_loss(s[better], s[worse], one, margin=margin), scores)


def right_counted(scores, better, worse, margin):
    near = scores[better] <= margin + scores[worse]
    many = len(scores)
    more = torch.bincount(worse[near], minlength=many) - torch.bincount(better[near], minlength=many)
    return more.to(scores.dtype) / len(better)


def right_one_hot(scores, better, worse, margin):
    sides = F.one_hot(worse, len(scores)) - F.one_hot(better, len(scores))  # (pairs, things)
    near = margin + sides.to(scores.dtype) @ scores >= 0
    return near.to(scores.dtype) @ sides.to(scores.dtype) / len(sides)


def right_pair_by_pair(scores, better, worse, margin):
    found = [0] * len(scores)
    for i, j in zip(better.tolist(), worse.tolist(), strict=True):
        if scores[i] - scores[j] <= margin:
            found[i] -= 1
            found[j] += 1
    return torch.tensor(found, dtype=scores.dtype) / len(better)


def wrong_assigned_and_not_added(scores, better, worse, margin):
    """Refused by: in many pairs."""
    each = (scores[better] - scores[worse] <= margin).to(scores.dtype) / len(better)
    found = torch.zeros_like(scores)
    found[better] -= each
    found[worse] += each
    return found


def wrong_a_lead_of_the_margin_is_free(scores, better, worse, margin):
    """Refused by: equal scores and a margin of 0."""
    each = (scores[better] - scores[worse] < margin).to(scores.dtype) / len(better)
    return torch.zeros_like(scores).index_add(0, better, -each).index_add(0, worse, each)


def wrong_better_things_only(scores, better, worse, margin):
    each = (scores[better] - scores[worse] <= margin).to(scores.dtype) / len(better)
    return torch.zeros_like(scores).index_add(0, better, -each)


def wrong_sign(scores, better, worse, margin):
    return -score_pull(scores, better, worse, margin)


def wrong_of_the_sum(scores, better, worse, margin):
    return score_pull(scores, better, worse, margin) * len(better)


def wrong_over_the_things(scores, better, worse, margin):
    return score_pull(scores, better, worse, margin) * len(better) / len(scores)


def wrong_margin_forgotten(scores, better, worse, margin):
    return score_pull(scores, better, worse, 0.0)


def wrong_by_how_much(scores, better, worse, margin):
    each = (margin - (scores[better] - scores[worse])).clamp(min=0) / len(better)
    return torch.zeros_like(scores).index_add(0, better, -each).index_add(0, worse, each)


def wrong_soft(scores, better, worse, margin):
    each = torch.sigmoid(margin - (scores[better] - scores[worse])) / len(better)
    return torch.zeros_like(scores).index_add(0, better, -each).index_add(0, worse, each)
