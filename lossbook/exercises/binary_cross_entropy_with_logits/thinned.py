r"""Undo the thinning.

Somebody trained a network on all positives and a share `kept` of the negatives, with no `pos_weight`.
From its logits, return the *logarithm* of the probability of a yes among all samples, right for any logit up to $\pm
10^4$, with its gradient.

Nudge: Odds are positives per negative. What does keeping a share of the negatives do to them, and to their logarithm?

Sketch: The odds in the thinned data are too high by 1 / kept. Mend the logit, then stay in the logarithm.

Why: In the logit the correction is one sum. Through the probability it is p / (p + (1 - p) / kept), which is right
until p rounds to 0 or 1: its logarithm is then minus infinity or exactly 0, and its gradient gone.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import number, real

KIND = "build"
LEVEL = 2
MINUTES = 10
TAKES = {"logits": real("..."), "kept": number(0.01, 0.9)}
GRADIENTS = ["logits"]
ABSOLUTE = 3e-9  # F.softplus is the identity from 20 on
SLOPE_SIZE = 1.0
AT = {"large logits": {"logits": [-50.0, 50.0, -800.0, 800.0, -1e4, 1e4], "kept": 0.1}}


def honest_log_probability(logits, kept):
    return F.logsigmoid(logits + math.log(kept))


def exact(logits, kept):
    z = logits + math.log(kept)
    return torch.minimum(z, torch.zeros_like(z)) - torch.log1p(torch.exp(-z.abs()))


def right_softplus(logits, kept):
    return -F.softplus(-(logits + math.log(kept)))


def right_logaddexp(logits, kept):
    shift = math.log(kept)
    return -torch.logaddexp(torch.zeros_like(logits), -logits - shift)


def wrong_not_mended(logits, kept):
    return F.logsigmoid(logits)


def wrong_the_wrong_way(logits, kept):
    return F.logsigmoid(logits - math.log(kept))


def wrong_the_probability_scaled(logits, kept):
    return (kept * logits.sigmoid()).log()


def wrong_the_logit_scaled(logits, kept):
    return F.logsigmoid(kept * logits)


def wrong_through_the_probability(logits, kept):
    """Refused by: large logits."""
    p = logits.sigmoid()
    return (p / (p + (1 - p) / kept)).log()


def wrong_a_log_of_a_sigmoid(logits, kept):
    """Refused by: large logits."""
    return (logits + math.log(kept)).sigmoid().log()


def wrong_the_probability_itself(logits, kept):
    return (logits + math.log(kept)).sigmoid()
