r"""A log sigmoid of your own.

Write it without `logsigmoid` and without `softplus`: value and gradient right at 0, at $\pm 20$ in float32 and at $\pm
1000$.

Nudge: -log(1 + exp(-x)) is the logarithm of a sum of two exponentials. Which two?

Sketch: 1 is exp(0); torch has one function for log(exp(a) + exp(b)) that takes the larger one out first.

Why: logaddexp is the stable form: the larger of both, plus log1p of an exponential that is at most 1. min(x, 0) -
log1p(exp(-|x|)) is the same by hand, but with clamp for min the slope at 0 is 1, not 1/2.
"""

import torch
import torch.nn.functional as F

from .._draw import real

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["logits_and_overflow.log_sum_exp"]
TAKES = {"x": real("...")}
WITHOUT = ["logsigmoid", "softplus", "lossbook"]
GRADIENTS = ["x"]
AT = {"a safe yes": {"x": [20.0, 30.0]}, "logits of 1000": {"x": [-1000.0, 1000.0]}, "0": {"x": [0.0, 0.0]}}
SLOPE_SIZE = 1.0


def my_logsigmoid(x):
    return -torch.logaddexp(-x, torch.zeros_like(x))


def exact(x):
    return F.logsigmoid(x)


def right_two_branches(x):
    no, yes = x.clamp(max=0), x.clamp(min=0)
    return torch.where(x < 0, no - torch.log1p(no.exp()), -torch.log1p((-yes).exp()))


def right_minimum(x):
    return torch.minimum(x, torch.zeros_like(x)) - torch.log1p(torch.exp(-x.abs()))


def wrong_two_steps(x):
    """Refused by: a safe yes."""
    return torch.sigmoid(x).log()


def wrong_epsilon(x):
    return (torch.sigmoid(x) + 1e-8).log()


def wrong_formula(x):
    """Refused by: a safe yes."""
    return -(1 + torch.exp(-x)).log()


def wrong_log1p_of_the_formula(x):
    """Refused by: logits of 1000."""
    return -torch.log1p(torch.exp(-x))


def wrong_clamp(x):
    """Refused by: gradient."""
    return x.clamp(max=0) - torch.log1p(torch.exp(-x.abs()))


def wrong_log_without_log1p(x):
    """Refused by: a safe yes."""
    least = torch.minimum(x, torch.zeros_like(x))
    return least - (1 + torch.exp(-x.abs())).log()


def wrong_torch(x):
    """Refused by: rules."""
    return -F.softplus(-x)
