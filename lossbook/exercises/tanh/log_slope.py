r"""The logarithm of the slope.

Write $\log(1 - \tanh^2 x)$ for any $x$; at 1000 it is -1998.6, and its gradient -2.

Nudge: 1 - tanh(x)^2 is 4 sigmoid(2x) sigmoid(-2x). What is the logarithm of a product?

Sketch: log 4 plus two log sigmoids, or 2 (log 2 - x - softplus(-2x)). Nothing is subtracted from 1. Near 0 that is log
4 minus log 4; -2 log cosh x, with 1 + 2 sinh(x / 2)^2 for the cosh, keeps the digits.

Why: 1 - tanh^2 is 0 as soon as tanh has rounded to 1, and its logarithm -inf; an epsilon stops at its own logarithm
with a gradient of 0. The log sigmoids never round to the end of a range. Near 0 their sum is taken off log 4, and the
result of 1e-5 would be 0 in float32 instead of -1e-10; it is -2 log cosh x, and cosh x is 1 + 2 sinh(x / 2)^2.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import real

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["tanh.stable"]
TAKES = {"x": real("...")}
GRADIENTS = ["x"]
AT = {"far out": {"x": [-1000.0, 20.0, 1000.0]}, "small inputs": {"x": [1e-5, -1e-3]}}
SIZE = 1.0  # log 4 may be taken off
SLOPE_SIZE = 1.0
ABSOLUTE = 6e-9  # F.softplus is the identity from 20 on


def log_slope(x):
    near = x.abs() < 1
    small = -2 * torch.log1p(2 * torch.sinh(x.where(near, 0.0) / 2) ** 2)
    log_sigmoid = torch.nn.functional.logsigmoid
    large = math.log(4) + log_sigmoid(2 * x) + log_sigmoid(-2 * x)
    return torch.where(near, small, large)


def exact(x):
    near = x.abs() < 1
    small = torch.log1p(-(x.where(near, 0.0).tanh() ** 2))
    large = 2 * (math.log(2) - x.abs() - torch.log1p(torch.exp(-2 * x.abs())))
    return torch.where(near, small, large)


def right_log_sigmoids(x):
    return math.log(4) + torch.nn.functional.logsigmoid(2 * x) + torch.nn.functional.logsigmoid(-2 * x)


def right_softplus(x):
    return 2 * (math.log(2) - x - torch.nn.functional.softplus(-2 * x))


def wrong_the_formula(x):
    """Refused by: far out."""
    return torch.log(1 - torch.tanh(x) ** 2)


def wrong_epsilon(x):
    return torch.log(1 - torch.tanh(x) ** 2 + 1e-6)


def wrong_log1p(x):
    """Refused by: far out."""
    return torch.log1p(-(torch.tanh(x) ** 2))


def wrong_cosh(x):
    """Refused by: far out."""
    return -2 * torch.log(torch.cosh(x))


def wrong_slope_of_the_sigmoid(x):
    return F.logsigmoid(2 * x) + F.logsigmoid(-2 * x)


def wrong_x_not_doubled(x):
    return 2 * (math.log(2) - x - F.softplus(-x))
