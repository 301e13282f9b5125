r"""Smooth all the way.

Write softplus with `beta` and no threshold: value, slope and second derivative right at 0, at $\beta x = 30$ in
float64, and at $\beta x = \pm 1000$.

Nudge: Softplus is the logarithm of exp(beta * x) + exp(0), over beta. Does torch have that in one piece?

Sketch: torch.logaddexp has it, but look at its second derivative far to the left; so has the log sigmoid.

Why: F.softplus switches to x at beta * x = 20, where its second derivative becomes 0; with a high threshold it
overflows. The ramp plus log1p(exp(-|beta * x|)) has the right value, but autograd takes both relu and abs to be flat at
0, so its slope there is 0 and not 1/2. logaddexp is right but for its second derivative, which is NaN where exp(-beta *
x) overflows.
"""

import torch
import torch.nn.functional as F

from .._draw import number, real

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["logsigmoid.stable"]
TAKES = {"x": real("..."), "beta": number(0.25, 10)}
GRADIENTS = ["x"]
ORDER = 2
SCALES = (1e-3, 0.1, 1.0, 10.0)
AT = {
    "second derivative above 20": {"x": [25.0, 30.0], "beta": 1.0},
    "second derivative at 40": {"x": [40.0], "beta": 1.0},
    "inputs of 1000": {"x": [-1000.0, 1000.0], "beta": 1.0},
    "0": {"x": [0.0, 0.0], "beta": 4.0},
}
SLOPE_SIZE = 1.0


def smooth_softplus(x, beta):
    return -F.logsigmoid(-beta * x) / beta


def exact(x, beta):
    return -F.logsigmoid(-beta * x) / beta


def right_divided_first(x, beta):
    return F.logsigmoid(-beta * x).div(-beta)


def right_two_branches(x, beta):
    z = beta * x
    up, down = z.clamp(min=0), z.clamp(max=0)
    return torch.where(z > 0, up + torch.log1p(torch.exp(-up)), torch.log1p(torch.exp(down))) / beta


def wrong_torch_s(x, beta):
    """Refused by: second derivative above 20."""
    return F.softplus(x, beta=beta)


def wrong_a_high_threshold(x, beta):
    """Refused by: inputs of 1000."""
    return F.softplus(x, beta=beta, threshold=1e9)


def wrong_formula(x, beta):
    """Refused by: inputs of 1000."""
    return torch.log1p((beta * x).exp()) / beta


def wrong_logaddexp(x, beta):
    """Refused by: second derivative."""
    return torch.logaddexp(beta * x, torch.zeros_like(x)) / beta


def wrong_not_divided(x, beta):
    return -F.logsigmoid(-beta * x)


def wrong_flat_at_0(x, beta):
    """Refused by: gradient."""
    return torch.relu(x) + torch.log1p(torch.exp(-(beta * x).abs())) / beta


def wrong_beta_forgotten(x, beta):
    return -F.logsigmoid(-x)


def wrong_slope_without_a_slope(x, beta):
    """Refused by: second derivative."""
    z = x.detach()
    return -F.logsigmoid(-beta * z) / beta + torch.sigmoid(beta * z) * (x - z)
