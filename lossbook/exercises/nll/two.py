"""Two log-probabilities from one logit.

Return the log-probabilities of "no" and "yes", shape (N, 2), for logits of shape (N); value and gradient must hold at
±1000.

Nudge: The probability of "no" is 1 - sigmoid(z). Which sigmoid is that, without a subtraction?

Sketch: 1 - sigmoid(z) is sigmoid(-z), and its logarithm has a function of its own; stack along dimension 1.

Why: sigmoid(40) is 1 in float64, so log(1 - sigmoid) is -inf long before 1000, and its gradient NaN. log_softmax of the
pair (0, z) is the same function; of (-z, z) it is that of twice the logit.
"""

import torch
import torch.nn.functional as F

from .._draw import real

KIND = "build"
LEVEL = 1
MINUTES = 5
TAKES = {"logit": real("N")}
GRADIENTS = ["logit"]
ABSOLUTE = 3e-9  # F.softplus is the identity from 20 on
SLOPE_SIZE = 1.0
AT = {"logits up to 1000": {"logit": [1000.0, -1000.0, 40.0, -40.0]}}


def size(logit):
    return 1 + logit.abs()[:, None]  # log_softmax takes its largest logit off


def no_and_yes(logit):
    return torch.stack([F.logsigmoid(-logit), F.logsigmoid(logit)], dim=1)


def exact(logit):
    return torch.stack([F.logsigmoid(-logit), F.logsigmoid(logit)], dim=1)


def right_softplus(logit):
    return -torch.stack([F.softplus(logit), F.softplus(-logit)], 1)


def right_log_softmax(logit):
    pair = torch.stack([torch.zeros_like(logit), logit], dim=1)
    return pair.log_softmax(dim=1)


def wrong_probabilities(logit):
    p = logit.sigmoid()
    return torch.stack([1 - p, p], dim=1)


def wrong_logarithm_of_sigmoid(logit):
    """Refused by: logits up to 1000."""
    p = logit.sigmoid()
    return torch.stack([1 - p, p], dim=1).log()


def wrong_yes_first(logit):
    return torch.stack([F.logsigmoid(logit), F.logsigmoid(-logit)], dim=1)


def wrong_twice_the_logit(logit):
    return torch.stack([-logit, logit], dim=1).log_softmax(dim=1)


def wrong_wrong_axis(logit):
    return torch.stack([F.logsigmoid(-logit), F.logsigmoid(logit)])


def wrong_minus_the_other(logit):
    return torch.stack([-F.logsigmoid(logit), F.logsigmoid(logit)], dim=1)


def wrong_a_small_number(logit):
    """Refused by: logits up to 1000."""
    p = logit.sigmoid()
    return (torch.stack([1 - p, p], dim=1) + 1e-12).log()
