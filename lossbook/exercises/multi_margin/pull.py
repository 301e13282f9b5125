r"""Who is pulled, and how hard.

For $p = 1$ and `reduction="none"`, write the derivative of each sample's loss by its scores, shape (N, C), without
autograd; a lead of exactly `margin` has slope 0.

Nudge: A rival is either within the margin or not. What does the right score get from each one that is?

Sketch: Compare margin + score with the right score, strictly, leave the right class out, and divide by C; the right
score gets minus the sum of its row.

Why: Every rival within the margin is pushed down by 1/C, no matter by how much, and the right score is pulled up by
their number over C, so each row adds up to 0. The right class compared with itself would owe the whole margin: whoever
forgets to leave it out loses one C-th of the pull. Beyond the margin there is nothing: that is why an SVM has support
vectors, and cross entropy has none.
"""

import torch
import torch.nn.functional as F

from .._draw import index, number, real

KIND = "derive"
LEVEL = 1
MINUTES = 8
TAKES = {"scores": real("N", "C"), "target": index("N", of="C"), "margin": number(0.1, 10, 1.0)}
WITHOUT = ["autograd"]
SCALES = (0.1, 1.0, 10.0)
DTYPES = (torch.float64,)  # a margin that float32 cannot hold has no lead that equals it
FILLED = ()
LEAST = {"C": 2}
AT = {
    "a lead of exactly the margin": {"scores": [[1.0, 0.0, -1.0], [0.5, 1.0, 2.0]], "target": [0, 2], "margin": 1.0},
    "all scores alike": {"scores": [[0.0, 0.0, 0.0, 0.0]], "target": [1], "margin": 0.5},
}


def margin_pull(scores, target, margin):
    own = F.one_hot(target, scores.shape[1]).bool()
    right = scores.gather(1, target[:, None])
    near = ((margin + (scores - right) > 0) & ~own).to(scores.dtype)
    return (near - own * near.sum(1, keepdim=True)) / scores.shape[1]


def exact(scores, target, margin):
    rows = []
    for row, y in zip(scores, target.tolist(), strict=True):
        near = (margin + (row - row[y]) > 0).to(row)
        near[y] = 0
        near[y] = -near.sum()
        rows.append(near / len(row))
    return torch.stack(rows) if rows else scores.clone()


def right_scattered(scores, target, margin):
    at = target.unsqueeze(1)
    near = (margin + (scores - scores.gather(1, at)) > 0).to(scores.dtype).scatter(1, at, 0.0)
    return near.scatter(1, at, -near.sum(1, keepdim=True)) / scores.shape[1]


def right_steps(scores, target, margin):
    at = target[:, None]
    step = torch.heaviside(margin + (scores - scores.gather(1, at)), torch.zeros_like(scores))
    step = step.scatter(1, at, 0.0)
    right = F.one_hot(target, scores.shape[1]).to(scores) * step.sum(1, keepdim=True)
    return (step - right) / scores.shape[1]


def wrong_divided_by_the_rivals(scores, target, margin):
    return margin_pull(scores, target, margin) * scores.shape[1] / (scores.shape[1] - 1)


def wrong_sign(scores, target, margin):
    return -margin_pull(scores, target, margin)


def wrong_worst_rival_alone(scores, target, margin):
    own = F.one_hot(target, scores.shape[1])
    lead = (margin + (scores - scores.gather(1, target[:, None]))).masked_fill(own.bool(), 0)
    worst = F.one_hot(lead.argmax(1), scores.shape[1])
    return ((worst - own) * (lead.amax(1, keepdim=True) > 0)).to(scores.dtype)


def wrong_mean_over_the_batch(scores, target, margin):
    return margin_pull(scores, target, margin) / len(scores)


def wrong_cross_entropy(scores, target, margin):
    return scores.softmax(1) - F.one_hot(target, scores.shape[1])


def wrong_by_how_much(scores, target, margin):
    own = F.one_hot(target, scores.shape[1]).bool()
    lacks = (margin + (scores - scores.gather(1, target[:, None]))).clamp(min=0).masked_fill(own, 0)
    return (lacks - own * lacks.sum(1, keepdim=True)) / scores.shape[1]


def wrong_right_score_pulled_once(scores, target, margin):
    own = F.one_hot(target, scores.shape[1]).bool()
    near = ((margin + (scores - scores.gather(1, target[:, None])) > 0) & ~own).to(scores.dtype)
    return (near - own * near.amax(1, keepdim=True)) / scores.shape[1]
