"""Each sample once, however much is known of it.

Some answers are missing: `target` has 1 for yes, 0 for no and −1 for unknown.
Return the loss of each sample, shape (N,): the mean binary cross entropy over the labels that are *known*, and 0 for a
sample of which nothing is known.
Value and gradient hold for logits of ±1000, and for any number, NaN too, where the label is unknown.

Nudge: Which number does a sample divide by, if two of its seven labels are known? And if none is?

Sketch: Put harmless numbers where a label is unknown before you compute, compute with reduction="none", set those
entries to 0, add up along the labels, and divide by the count, at least 1.

Why: A mean over all known entries gives a sample with seven answers seven times the say of one with a single answer.
The mean within the sample first gives each the same, and is this chapter's loss where all is known. Divided by C
instead, a sample with few answers hardly counts. A factor of 0 after the loss keeps a NaN, in value and gradient.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import left_out, one_of, real

KIND = "build"
LEVEL = 2
MINUTES = 12
TAKES = {
    "logits": left_out(real("N", "C"), "target", math.nan, math.inf, where=lambda target: target < 0),
    "target": one_of(0.0, 1.0, -1.0, axes=("N", "C")),
}
GRADIENTS = ["logits"]
AT = {
    "logits of 1000": {"logits": [[1000.0, -1000.0], [-1000.0, 3.0]], "target": [[1.0, 1.0], [0.0, -1.0]]},
    "nothing known": {"logits": [[1.0, -2.0], [0.5, 3.0]], "target": [[-1.0, -1.0], [1.0, -1.0]]},
}
ABSOLUTE = 3e-9  # F.softplus is the identity from 20 on
SLOPE_SIZE = 1.0


def size(logits, target):
    return 1 + torch.where(target >= 0, logits.abs(), 0.0).sum(1)  # softplus, before a logit is taken off it


def losses(logits, target):
    known = target >= 0
    z, t = torch.where(known, logits, 0.0), torch.where(known, target, 0.0)
    each = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    return torch.where(known, each, 0.0).sum(1) / known.sum(1).clamp(min=1)


def exact(logits, target):
    rows = []
    for z, t in zip(logits, target, strict=True):
        known = t >= 0
        costs = torch.logaddexp(torch.zeros_like(z[known]), (1 - 2 * t[known]) * z[known])
        rows.append(costs.sum() / max(int(known.sum()), 1))
    return torch.stack(rows) if rows else logits.sum(1)


def right_masked_softplus(logits, target):
    known = target >= 0
    z = logits.masked_fill(~known, 0.0)
    each = F.softplus(z) - target.clamp(min=0) * z
    return (each.masked_fill(~known, 0.0)).sum(1) / known.sum(1).clamp(min=1)


def right_row_by_row(logits, target):
    found = []
    for z, t in zip(logits, target, strict=True):
        some = t >= 0
        costs = F.binary_cross_entropy_with_logits(z[some], t[some], reduction="sum")
        found.append(costs / some.sum().clamp(min=1))
    return torch.stack(found) if found else logits.sum(1)


def wrong_divided_by_all_labels(logits, target):
    known = target >= 0
    z, t = torch.where(known, logits, 0.0), torch.where(known, target, 0.0)
    each = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    return torch.where(known, each, 0.0).mean(1)


def wrong_unknown_is_no(logits, target):
    z = torch.where(target >= 0, logits, 0.0)
    return F.binary_cross_entropy_with_logits(z, target.clamp(min=0), reduction="none").mean(1)


def wrong_minus_1_as_it_is(logits, target):
    z = torch.where(target >= 0, logits, 0.0)
    return F.multilabel_soft_margin_loss(z, target, reduction="none")


def wrong_masked_after_the_loss(logits, target):
    known = (target >= 0).to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits, target.clamp(min=0), reduction="none")
    return (each * known).sum(1) / known.sum(1).clamp(min=1)


def wrong_nothing_divided_by_nothing(logits, target):
    """Refused by: nothing known."""
    known = target >= 0
    z, t = torch.where(known, logits, 0.0), torch.where(known, target, 0.0)
    each = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    return torch.where(known, each, 0.0).sum(1) / known.sum(1)


def wrong_mean_over_all_entries(logits, target):
    known = target >= 0
    z, t = torch.where(known, logits, 0.0), torch.where(known, target, 0.0)
    each = F.binary_cross_entropy_with_logits(z, t, reduction="none")
    return torch.where(known, each, 0.0).sum(1) * len(target) / known.sum().clamp(min=1)


def wrong_through_the_probability(logits, target):
    """Refused by: logits of 1000."""
    known = target >= 0
    p = torch.where(known, logits, 0.0).sigmoid()
    each = -torch.where(target == 1, p, 1 - p).log()
    return torch.where(known, each, 0.0).sum(1) / known.sum(1).clamp(min=1)
