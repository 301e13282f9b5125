"""The average of several models.

From logits of shape (models, samples, classes), return the logarithm of the *average of the models' probabilities*, of
shape (samples, classes), also where all of those probabilities are 0 in floating point.

Nudge: The average of probabilities is a sum. Which function takes the logarithm of a sum of exponentials?

Sketch: log_softmax along the classes, logsumexp along the models, minus the logarithm of their number.

Why: Averaging log-probabilities is a geometric mean, which does not add up to 1; averaging logits weighs models by how
loud they are. Averaging probabilities and taking the logarithm is right until it is -inf.
"""

import math

import torch

from .._draw import real
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["logits_and_overflow.log_sum_exp"]
TAKES = {"logits": real("M", "N", "C")}
LEAST = {"M": 1, "N": 0}
AT = {"a class far behind": {"logits": [[[0.0, 2000.0]], [[0.0, 3000.0]]]}}


def size(logits):
    return 1 + largest(logits)


def mixture_log_probs(logits):
    log_p = torch.log_softmax(logits, dim=-1)
    return torch.logsumexp(log_p, dim=0) - math.log(len(logits))


def exact(logits):
    return logits.log_softmax(-1).logsumexp(0) - math.log(logits.shape[0])


def right_shares_first(logits):
    log_p = torch.log_softmax(logits, -1) - math.log(logits.shape[0])
    return log_p.logsumexp(0)


def right_largest_out(logits):
    log_p = logits - logits.logsumexp(-1, keepdim=True)
    largest = log_p.amax(0)
    return largest + (log_p - largest).exp().mean(0).log()


def wrong_mean_of_logarithms(logits):
    return torch.log_softmax(logits, dim=-1).mean(0)


def wrong_mean_of_logits(logits):
    return torch.log_softmax(logits.mean(0), dim=-1)


def wrong_log_of_the_mean(logits):
    """Refused by: a class far behind."""
    return torch.softmax(logits, dim=-1).mean(0).log()


def wrong_not_divided(logits):
    return torch.logsumexp(torch.log_softmax(logits, dim=-1), dim=0)


def wrong_not_normalised_first(logits):
    return torch.log_softmax(torch.logsumexp(logits, dim=0), dim=-1)
