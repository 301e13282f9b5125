r"""The logarithm of a softplus.

A Poisson loss with a softplus rate needs $\log s(x)$.
Write it for $\beta = 1$ so that it holds at -200 in float32, where $s(x)$ is 0 and the answer -200, with its slope.

Nudge: For very negative x, softplus is about exp(x). What is its logarithm, and the next term of the series?

Sketch: Below -15 use x - exp(x) / 2, above it the logarithm of softplus. Clamp the input of each branch to its own
side, so that the branch that is not taken stays harmless.

Why: softplus underflows to 0 at -104 in float32, and no logarithm brings it back. torch.where alone repairs the value;
the slope of the branch it dropped, 1/0, still reaches the gradient as NaN.
"""

import torch
import torch.nn.functional as F

from .._draw import real

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["softplus.smooth"]
TAKES = {"x": real("...")}
GRADIENTS = ["x"]
PRECISION = torch.float32
AT = {"inputs of -200": {"x": [-200.0, -50.0, -15.0]}, "inputs of 1000": {"x": [-1000.0, 1000.0]}}


def log_softplus(x):
    low, high = x.clamp(max=-15), x.clamp(min=-15)
    return torch.where(x < -15, low - low.exp() / 2, F.softplus(high).log())


def exact(x):
    low, high = x.clamp(max=-600), x.clamp(min=-600)
    return torch.where(x < -600, low, (-F.logsigmoid(-high)).log())


def right_log_sigmoid(x):
    low, high = x.clamp(max=-15), x.clamp(min=-15)
    return torch.where(x < -15, low - low.exp() / 2, (-F.logsigmoid(-high)).log())


def right_masked(x):
    far = x < -20
    near = F.softplus(x.masked_fill(far, 0.0)).log()
    return torch.where(far, x - torch.exp(x.clamp(max=0)) / 2, near)


def wrong_two_steps(x):
    """Refused by: inputs of -200."""
    return F.softplus(x).log()


def wrong_epsilon(x):
    """Refused by: inputs of -200."""
    return (F.softplus(x) + 1e-8).log()


def wrong_chosen_afterwards(x):
    """Refused by: gradient."""
    return torch.where(x < -15, x - x.exp() / 2, F.softplus(x).log())


def wrong_the_ramp(x):
    return torch.where(x < 0, x, F.softplus(x.clamp(min=0)).log())


def wrong_log_sigmoid(x):
    return F.logsigmoid(x)
