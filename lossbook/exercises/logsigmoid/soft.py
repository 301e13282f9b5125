r"""Soft targets.

Write the loss of each element for a logit $x$ and a target $y$ anywhere in $[0, 1]$, the probability that somebody
else gave: $-y \log\sigma(x) - (1 - y)\log(1 - \sigma(x))$.

Nudge: What is log(1 - sigmoid(x)), without the subtraction?

Sketch: One log sigmoid of x and one of -x, weighted by y and 1 - y.

Why: The subtraction rounds to 0 from 17 on in float32 (37 in float64), and its logarithm is infinite. logsigmoid(x) - x
is the same number as logsigmoid(-x), for every x that is finite.
"""

import torch
import torch.nn.functional as F

from .._draw import real, share

KIND = "build"
LEVEL = 1
MINUTES = 5
TAKES = {"x": real("..."), "y": share("...")}
GRADIENTS = ["x"]
AT = {"logits of 1000": {"x": [-1000.0, 1000.0], "y": [0.75, 0.75]}}
SLOPE_SIZE = 1.0
ABSOLUTE = 3e-9  # F.softplus is the identity from 20 on


def size(x, y):
    return x.abs()


def soft_loss(x, y):
    return -y * F.logsigmoid(x) - (1 - y) * F.logsigmoid(-x)


def exact(x, y):
    return -y * F.logsigmoid(x) - (1 - y) * F.logsigmoid(-x)


def right_torch(x, y):
    return F.binary_cross_entropy_with_logits(x, y, reduction="none")


def right_softplus(x, y):
    return F.softplus(x) - y * x


def right_two_softplus(x, y):
    return y * F.softplus(-x) + (1 - y) * F.softplus(x)


def wrong_through_probabilities(x, y):
    """Refused by: logits of 1000."""
    p = torch.sigmoid(x)
    return -y * p.log() - (1 - y) * (1 - p).log()


def wrong_clamped(x, y):
    """Refused by: logits of 1000."""
    p = torch.sigmoid(x).clamp(1e-7, 1 - 1e-7)
    return -y * p.log() - (1 - y) * (1 - p).log()


def wrong_bce_of_probabilities(x, y):
    """Refused by: logits of 1000."""
    return F.binary_cross_entropy(torch.sigmoid(x), y, reduction="none")


def wrong_only_the_yes(x, y):
    return -y * F.logsigmoid(x)


def wrong_sign_as_for_soft_margin(x, y):
    return -F.logsigmoid((2 * y - 1) * x)
