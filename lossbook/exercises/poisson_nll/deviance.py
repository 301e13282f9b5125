r"""Deviance.

Write the deviance of each element, $2\,(k \log k - k \log\lambda - k + \lambda)$, from log rates.
It must be right for a count of 0, and for a log rate of -800 in float64.

Nudge: What is k log k at k = 0, and what does torch give for 0 * log(0)?

Sketch: torch.xlogy(k, k) is 0 at 0. The input is the logarithm of the rate; do not rebuild it from the rate.

Why: The textbook writes k log(k / rate): NaN at a count of 0, and infinite where the rate underflows. With xlogy for
the count and the log rate as it came, nothing is ever divided.
"""

import torch

from .._draw import counts, real

KIND = "build"
LEVEL = 2
MINUTES = 8
AFTER = ["poisson_nll.exact"]
TAKES = {"input": real("..."), "target": counts("...")}
GRADIENTS = ["input"]
DTYPES = (torch.float64, torch.float32)
SCALES = (1e-6, 1e-3, 0.1, 1.0, 10.0)
AT = {"a log rate of -800": {"input": [-800.0, -800.0], "target": [0.0, 3.0], "dtypes": [torch.float64]}}


def poisson_deviance(input, target):
    return 2 * (torch.xlogy(target, target) - target * input - target + input.exp())


def size(input, target):
    return torch.xlogy(target, target) + target + input.exp()  # the terms, before they cancel


def exact(input, target):
    logs = torch.where(target > 0, target, 1.0).log()
    return 2 * (target * (logs - input) - target + input.exp())


def right_where(input, target):
    log_count = torch.where(target > 0, target, torch.ones_like(target)).log()
    return 2 * (target * log_count - target * input + torch.exp(input) - target)


def right_entr(input, target):
    return 2 * (input.exp() - target - target * input - torch.special.entr(target))


def wrong_textbook(input, target):
    rate = input.exp()
    return 2 * (target * (target / rate).log() - (target - rate))


def wrong_through_the_rate(input, target):
    """Refused by: a log rate of -800."""
    rate = input.exp()
    return 2 * (torch.xlogy(target, target / rate) - (target - rate))


def wrong_without_the_means(input, target):
    return 2 * (torch.xlogy(target, target) - target * input)


def wrong_without_the_2(input, target):
    return torch.xlogy(target, target) - target * input - target + input.exp()
