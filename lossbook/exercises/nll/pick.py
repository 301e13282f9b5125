"""Pick and negate, in any shape.

Return the losses one by one, in the shape of `target`, for log-probabilities of shape (N, C) or (N, C, L), without
`nll_loss`.

Nudge: Which function of torch picks one entry along a dimension, by an index of the same number of axes?

Sketch: Give the target an axis of length 1 where the classes are, gather along it, and take the axis off.

Why: log_q[:, target] picks every label from every row, (N, N) numbers, and its mean looks like a loss. gather asks for
an index with as many axes as the input, so that each position keeps its own label; a bare squeeze() would also swallow
a batch of one.
"""

import torch
import torch.nn.functional as F

from .._draw import index, log_shares

KIND = "build"
LEVEL = 1
MINUTES = 8
TAKES = {"log_q": log_shares("N", "C", "...", along="C"), "target": index("N", "...", of="C")}
RANKS = (0, 1)
WITHOUT = ["nll_loss", "lossbook"]
GRADIENTS = ["log_q"]


def losses(log_q, target):
    picked = log_q.gather(1, target.unsqueeze(1))
    return -picked.squeeze(1)


def exact(log_q, target):
    return -log_q.gather(1, target.unsqueeze(1)).squeeze(1)


def right_classes_last(log_q, target):
    last = log_q.movedim(1, -1)
    return -torch.take_along_dim(last, target.unsqueeze(-1), dim=-1)[..., 0]


def right_select(log_q, target):
    return log_q.gather(1, target[:, None]).select(1, 0).neg()


def wrong_every_label_from_every_row(log_q, target):
    return -log_q[:, target]


def wrong_sign(log_q, target):
    return log_q.gather(1, target.unsqueeze(1)).squeeze(1)


def wrong_logarithm_again(log_q, target):
    return -log_q.gather(1, target.unsqueeze(1)).squeeze(1).log()


def wrong_classes_last(log_q, target):
    return -log_q.gather(-1, target.unsqueeze(-1)).squeeze(-1)


def wrong_two_axes_only(log_q, target):
    return -log_q[range(len(target)), target]


def wrong_mean(log_q, target):
    return -log_q.gather(1, target.unsqueeze(1)).squeeze(1).mean()


def wrong_bare_squeeze(log_q, target):
    """Refused by: shapes."""
    return -log_q.gather(1, target.unsqueeze(1)).squeeze()


def wrong_one_hot(log_q, target):
    """Refused by: NaN and infinity."""
    q = F.one_hot(target, log_q.shape[1]).movedim(-1, 1)
    return -(q * log_q).sum(1)


def wrong_torch(log_q, target):
    """Refused by: rules."""
    return F.nll_loss(log_q, target, reduction="none")
