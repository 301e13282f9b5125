r"""From a message to a loss.

You want a loss of the error $e$ whose gradient is $\tanh e$: proportional to small errors, at most 1 for large ones,
and 0 at an exact hit.
Find the loss with that gradient and the value 0 at $e = 0$.
It must survive an error of 1000.

Nudge: What is the integral of tanh, and what is cosh(1000)?

Sketch: log cosh e = log((exp(e) + exp(-e)) / 2). Take the larger exponential out; a softplus is left. Near 0 that is
log 2 minus log 2; there, write cosh e as 1 + 2 sinh(e / 2)^2.

Why: log(cosh(e)) is right on paper, but cosh overflows at 90 in float32: value inf, gradient NaN. With the larger
exponential taken out, the other one can only vanish. Near 0 that form subtracts log 2 from log 2, and an error of 1e-4
costs 0 in float32; cosh e is 1 + 2 sinh(e / 2)^2, which keeps its digits. F may be torch.nn.functional or
lossbook.functional.
"""

import math

import torch
import torch.nn.functional as F

from ...functional import log_cosh_loss
from .._draw import real

KIND = "derive"
LEVEL = 2
MINUTES = 10
TAKES = {"error": real("...")}
GRADIENTS = ["error"]
AT = {
    "an error of 1000": {"error": [1000.0, -1000.0, 0.0]},
    "small errors": {"error": [1e-4, -1e-3]},
}
SIZE = 1.0  # log 2 may be taken off a softplus
SLOPE_SIZE = 1.0
ABSOLUTE = 6e-9  # F.softplus is the identity from 20 on


def tanh_loss(error):
    near = error.abs() < 1
    small = torch.log1p(2 * torch.sinh(error.where(near, 0.0) / 2) ** 2)
    large = error.abs() + F.softplus(-2 * error.abs()) - math.log(2)
    return torch.where(near, small, large)


def exact(error):
    return log_cosh_loss(error, torch.zeros_like(error), reduction="none")


def right_logaddexp(error):
    return torch.logaddexp(error, -error) - math.log(2)


def right_without_near(error):
    return error.abs() + F.softplus(-2 * error.abs()) - math.log(2)


def wrong_textbook(error):
    """Refused by: an error of 1000."""
    return error.cosh().log()


def wrong_the_gradient_itself(error):
    return error.tanh()


def wrong_constant_forgotten(error):
    return error.abs() + F.softplus(-2 * error.abs())


def wrong_huber(error):
    return F.huber_loss(error, torch.zeros_like(error), reduction="none")


def wrong_clamped(error):
    """Refused by: an error of 1000."""
    return error.clamp(-80, 80).cosh().log()
