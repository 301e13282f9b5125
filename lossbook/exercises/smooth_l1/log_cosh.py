r"""A tip with all derivatives.

The second derivative of smooth L1 jumps at `beta`.
That of $\beta \log\cosh(e/\beta)$ does not, and its gradient is $\tanh(e/\beta)$.
Write it so that an error of 1000 with `beta=1` costs about 999.31 in float32, where the textbook form returns inf.

Nudge: cosh(z) is (exp(z) + exp(-z)) / 2. What is the logarithm of a sum of exponentials called?

Sketch: torch has a function of two tensors for log(exp(a) + exp(b)) that takes the larger one out first. Near 0 that is
log 2 minus log 2; there, write cosh z as 1 + 2 sinh(z / 2)^2.

Why: cosh(90) is inf in float32, and so is its logarithm; the gradient becomes inf / inf. logaddexp takes exp(|z|) out
of the sum: the only exponential left is exp(-2|z|), which is at most 1. Near 0 that would be log 2 minus log 2: an
error of 1e-4 would cost 0 in float32. There cosh z = 1 + 2 sinh(z / 2)^2 keeps the digits.
"""

import math

import torch
import torch.nn.functional as F

from ...functional import log_cosh_loss
from .._draw import number, real

KIND = "build"
LEVEL = 3
MINUTES = 15
AFTER = ["what_a_loss_is.message"]
TAKES = {"error": real("..."), "beta": number(0.05, 20)}
GRADIENTS = ["error"]
ORDER = 2
AT = {
    "large errors": {"error": [1000.0, -1000.0, 100.0], "beta": 1.0, "order": 1},
    "small errors": {"error": [1e-4, -1e-3], "beta": 1.0},
}
SLOPE_SIZE = 1.0
ABSOLUTE = 6e-9  # F.softplus is the identity from 20 on


def log_cosh(error, beta):
    z = error / beta
    near = z.abs() < 1
    small = torch.log1p(2 * torch.sinh(z.where(near, 0.0) / 2) ** 2)
    large = torch.logaddexp(z, -z) - torch.log(torch.full_like(z, 2.0))
    return beta * torch.where(near, small, large)


def size(error, beta):
    return beta  # of beta log 2, which may be taken off


def exact(error, beta):
    return beta * log_cosh_loss(error / beta, torch.zeros_like(error), reduction="none")


def right_logaddexp(error, beta):
    return beta * torch.logaddexp(error / beta, -error / beta) - beta * 0.6931471805599453


def right_log_sigmoids(error, beta):
    z = 2 * error / beta
    return -beta * (0.5 * F.logsigmoid(z) + 0.5 * F.logsigmoid(-z) + math.log(2))


def wrong_textbook(error, beta):
    """Refused by: large errors."""
    return beta * (error / beta).cosh().log()


def wrong_clamped(error, beta):
    """Refused by: large errors."""
    return beta * (error / beta).clamp(-80, 80).cosh().log()


def wrong_without_log_2(error, beta):
    z = error / beta
    return beta * torch.logaddexp(z, -z)


def wrong_without_beta(error, beta):
    z = error / beta
    return torch.logaddexp(z, -z) - math.log(2)


def wrong_smooth_l1(error, beta):
    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=beta, reduction="none")


def wrong_slope_without_a_slope(error, beta):
    """Refused by: second derivative."""
    z = (error / beta).detach()
    value = beta * (torch.logaddexp(z, -z) - torch.log(torch.full_like(z, 2.0)))
    return value + z.tanh() * (error - error.detach())
