r"""The pull on the variance.

The loss of an element is $\tfrac12\bigl(\log v + e^2 / v\bigr)$ with $e$ = `input - target` and $v$ = `var`.
Write its derivative with respect to `var`, one number for each element, without autograd.

Nudge: For which variance does the pull have to be 0?

Sketch: Half of a difference of two terms: the derivative of the logarithm, and that of a quotient with the variance
below.

Why: The derivative is (v - e^2) / (2 v^2): it is 0 where the variance is the squared error, and that is what the
variance learns. Below that it is -e^2 / (2 v^2), a wall: an error of 0.1 at a variance of 1e-6 pulls with -5e9. Above,
it is at most 1 / (2 v), so a variance that is too large comes back slowly.
"""

import torch

from .._draw import near, positive, real
from .._exact import slope

KIND = "derive"
LEVEL = 1
MINUTES = 8
TAKES = {"input": real("..."), "target": near("input", "..."), "var": positive("...")}
WITHOUT = ["autograd"]
DTYPES = (torch.float64, torch.float32)
AT = {
    "the squared error": {"input": [3.0, -1.0], "target": [1.0, 2.0], "var": [4.0, 9.0]},
    "exact hits": {"input": [1.0, 2.0], "target": [1.0, 2.0], "var": [0.01, 100.0]},
}


def variance_gradient(input, target, var):
    return 0.5 * (1 - (input - target) ** 2 / var) / var


def size(input, target, var):
    return 0.5 / var  # the first term, before the second is taken off


def exact(input, target, var):
    error = input - target
    return slope(lambda v: 0.5 * (v.log() + error.square() / v).sum(), var)


def right_two_terms(input, target, var):
    return 0.5 / var - 0.5 * ((input - target) / var) ** 2


def right_one_fraction(input, target, var):
    return (var - (target - input) ** 2) / (2 * var**2)


def wrong_by_the_log_variance(input, target, var):
    return 0.5 * (1 - (input - target) ** 2 / var)


def wrong_by_the_deviation(input, target, var):
    return (1 - (input - target) ** 2 / var) / var.sqrt()


def wrong_error_not_squared(input, target, var):
    return 0.5 * (1 - (input - target).abs() / var) / var


def wrong_sign(input, target, var):
    return 0.5 * ((input - target) ** 2 / var - 1) / var


def wrong_logarithm_forgotten(input, target, var):
    return -0.5 * ((input - target) / var) ** 2


def wrong_without_the_half(input, target, var):
    return (1 - (input - target) ** 2 / var) / var
