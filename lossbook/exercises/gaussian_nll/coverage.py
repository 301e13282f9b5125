"""Does the interval keep its promise?

Write the share of targets inside the central interval of probability `level`, such as 0.95, that mean and variance
promise.

Nudge: Between which two quantiles of a Gaussian does its central half lie?

Sketch: Half of what is left out lies each side: |error| / sqrt(var) against the quantile for 0.5 + level / 2.

Why: The quantile at the level itself leaves everything that is left out on one side, so a 95 % interval would hold 90
%. And 1.96 is the width of one level only.
"""

import torch

from .._draw import near, number, positive, real

KIND = "build"
LEVEL = 2
MINUTES = 10
TAKES = {
    "input": real("..."),
    "target": near("input", "..."),
    "var": positive("..."),
    "level": number(0.05, 0.995, evenly=True),
}
SCALES = (0.1, 1.0, 10.0)
DTYPES = (torch.float64, torch.float32)
ANY_DTYPE = True  # of a share
PRECISION = torch.float32
FILLED = ()
AT = {
    "all below": {"input": [0.0] * 5, "target": [-0.5, -1.0, -2.5, -3.0, -4.0], "var": [1.0] * 5, "level": 0.95},
    "all above": {"input": [0.0] * 5, "target": [0.5, 1.0, 2.5, 3.0, 4.0], "var": [1.0] * 5, "level": 0.95},
    "a wide one": {"input": [0.0] * 4, "target": [5.5, -6.5, 9.0, 1.0], "var": [9.0] * 4, "level": 0.95},
}


def interval_coverage(input, target, var, level):
    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2))
    return ((input - target).abs() < width * var.sqrt()).double().mean()


def exact(input, target, var, level):
    promised = torch.special.ndtri(torch.tensor(0.5 + level / 2, dtype=torch.double))
    return ((input - target).abs() < promised * var.sqrt()).double().mean()


def right_float_mean(input, target, var, level):
    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2))
    return ((target - input).abs() <= width * var.sqrt()).float().mean()


def right_probability_of_the_error(input, target, var, level):
    z = (input - target).abs() / var.sqrt()
    return (torch.erf(z / 2**0.5) < level).double().mean()


def wrong_one_sided_quantile(input, target, var, level):
    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(level))
    return ((input - target).abs() < width * var.sqrt()).double().mean()


def wrong_variance_as_width(input, target, var, level):
    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2))
    return ((input - target).abs() < width * var).double().mean()


def wrong_always_1_96(input, target, var, level):
    return ((input - target).abs() < 1.96 * var.sqrt()).double().mean()


def wrong_upper_end_only(input, target, var, level):
    width = torch.distributions.Normal(0.0, 1.0).icdf(torch.tensor(0.5 + level / 2))
    return (target < input + width * var.sqrt()).double().mean()
