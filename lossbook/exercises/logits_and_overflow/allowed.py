r"""Ruled-out classes.

Turn logits of shape (batch, classes) into log-probabilities over the classes where `allowed` is True, and $-\infty$
elsewhere.
A row without any allowed class is $-\infty$ throughout.
Whatever stands in the ruled-out logits, the gradient of the allowed log-probabilities is finite, and 0 for what was
ruled out.

Nudge: What does log_softmax return for a row of nothing but -inf, and how do you keep it from seeing one?

Sketch: Fill with -inf before log_softmax, but only in rows with an allowed class; rule the classes out again
afterwards.

Why: masked_fill passes no gradient where it fills, so neither -inf nor NaN under the mask comes back. A logit times 0
still counts as e^0 in the sum, and a large negative number in an empty row gives an even one.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import left_out, mask, real

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["logits_and_overflow.log_sum_exp"]
TAKES = {
    "logits": left_out(real("N", "C"), "allowed", math.nan, math.inf, -math.inf),
    "allowed": mask("N", "C"),
}
GRADIENTS = ["logits"]
SIZE = 1.0
SLOPE_SIZE = 1.0
AT = {
    "a row without classes": {
        "logits": [[0.5, 1.0, 2.0], [1.0, -1.0, 0.0], [math.nan, math.inf, 1.0]],
        "allowed": [[True, False, True], [False, False, False], [False, False, False]],
    }
}


def run(answer, logits, allowed):
    value = answer(logits, allowed)
    return value.detach(), value[allowed]


def allowed_log_softmax(logits, allowed):
    some = allowed.any(1, keepdim=True)
    filled = logits.masked_fill(~allowed, -torch.inf).masked_fill(~some, 0.0)
    return torch.log_softmax(filled, 1).masked_fill(~allowed, -torch.inf)


def exact(logits, allowed):
    some = allowed.any(1, keepdim=True)
    filled = torch.where(allowed, logits, torch.where(some, -math.inf, 0.0))
    value = torch.where(allowed, filled.log_softmax(1), -math.inf)
    return value.detach(), value[allowed]


def right_row_by_row(logits, allowed):
    rows = []
    for row, keep in zip(logits, allowed, strict=True):
        out = torch.full_like(row, -math.inf)
        rows.append(out.masked_scatter(keep, row[keep].log_softmax(0)) if keep.any() else out)
    return torch.stack(rows) if rows else logits.clone()


def right_where(logits, allowed):
    low = torch.full_like(logits, torch.finfo(logits.dtype).min)
    filled = torch.where(allowed, logits, low)
    return F.log_softmax(filled, dim=1).masked_fill(~allowed, -torch.inf)


def wrong_times_the_mask(logits, allowed):
    return torch.log_softmax(logits * allowed, 1).masked_fill(~allowed, -torch.inf)


def wrong_empty_rows_forgotten(logits, allowed):
    return torch.log_softmax(logits.masked_fill(~allowed, -torch.inf), 1)


def wrong_not_ruled_out(logits, allowed):
    return torch.log_softmax(logits.masked_fill(~allowed, -1e9), 1)


def wrong_not_normalised(logits, allowed):
    return torch.log_softmax(logits, 1).masked_fill(~allowed, -torch.inf)


def wrong_log_of_masked_softmax(logits, allowed):
    p = torch.softmax(logits, 1) * allowed
    return (p / p.sum(1, keepdim=True)).log()


def wrong_a_penalty(logits, allowed):
    penalty = torch.zeros_like(logits).masked_fill(~allowed, -math.inf)
    some = allowed.any(1, keepdim=True)
    return torch.log_softmax((logits + penalty).masked_fill(~some, 0.0), 1).masked_fill(~allowed, -math.inf)
