r"""The exact likelihood.

Write minus the logarithm of the Poisson probability, $\log k!$ included, for each element, from log rates.
It must be exact for $k = 2$ and finite for $k = 1000$.

Nudge: Which function gives the logarithm of a factorial without the factorial?

Sketch: The short loss, rate minus count times log rate, plus torch.lgamma, whose argument is shifted by 1.

Why: full=True adds Stirling's approximation, which is off by 0.04 at a count of 2. The factorial itself overflows
float64 at 171. lgamma(k + 1) is log k! at every count, and does not touch the gradient.
"""

import torch
import torch.nn.functional as F

from .._draw import counts, real

KIND = "build"
LEVEL = 1
MINUTES = 5
TAKES = {"input": real("..."), "target": counts("...")}
GRADIENTS = ["input"]
DTYPES = (torch.float64, torch.float32)
SCALES = (1e-6, 1e-3, 0.1, 1.0, 10.0)
AT = {
    "counts of hundreds and thousands": {
        "input": [5.298, 6.908, 8.006],
        "target": [200.0, 1000.0, 3000.0],
    }
}


def exact_poisson(input, target):
    return input.exp() - target * input + torch.lgamma(target + 1)


def size(input, target):
    return torch.lgamma(target + 1) + target * input.abs() + input.exp()  # the terms, before they cancel


def exact(input, target):
    logs = torch.arange(1, 3001).double().log().cumsum(0)
    factorial = torch.cat([torch.zeros(1, dtype=torch.double), logs])[target.long()]
    return input.exp() - target * input + factorial


def right_gammaln(input, target):
    return torch.exp(input) - input * target + torch.special.gammaln(target + 1)


def right_torch_and_lgamma(input, target):
    return F.poisson_nll_loss(input, target, reduction="none") + torch.lgamma(1 + target)


def wrong_stirling(input, target):
    return F.poisson_nll_loss(input, target, full=True, reduction="none")


def wrong_no_factorial(input, target):
    return input.exp() - target * input


def wrong_lgamma_of_the_count(input, target):
    return input.exp() - target * input + torch.lgamma(target)


def wrong_factorial_first(input, target):
    factorial = torch.lgamma(target + 1).exp()
    return input.exp() - target * input + factorial.log()


def wrong_a_rate_taken_for_its_logarithm(input, target):
    return input - target * (input.abs() + 1e-8).log() + torch.lgamma(target + 1)
