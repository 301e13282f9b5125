"""The gradient by hand.

Write the derivative of the loss with respect to the error, one number for each error, without autograd.
`beta` may be 0, and an error may be 0 at the same time.

Nudge: Between which two values does the gradient run, whatever beta is? And what is 0/0?

Sketch: Clip the error to the interval from -beta to beta before you divide; treat beta = 0 apart.

Why: error / beta is infinite at beta = 0, which the clamp repairs, and NaN at an exact hit, which it does not. Without
the division by beta it is the gradient of Huber, whose tail shrinks with its number.
"""

import torch

from ...functional import smooth_l1_loss
from .._draw import number, real
from .._exact import slope

KIND = "derive"
LEVEL = 1
MINUTES = 8
AFTER = ["huber.gradient"]
TAKES = {"error": real("..."), "beta": number(0.05, 20, 0.0)}
WITHOUT = ["autograd"]
AT = {
    "beta 0": {"error": [2.0, -3.0, 0.0, 1e-3], "beta": 0.0},
    "a small beta": {"error": [2e-3, -4e-4, 0.0], "beta": 1e-3},
}


def smooth_l1_gradient(error, beta):
    if beta == 0:
        return error.sign()
    return (error / beta).clamp(-1, 1)


def exact(error, beta):
    return slope(lambda e: smooth_l1_loss(e, torch.zeros_like(e), beta=beta, reduction="sum"), error)


def right_by_where(error, beta):
    inside = error.abs() < beta
    return torch.where(inside, error / (beta or 1.0), error.sign())


def right_divided_by_the_larger(error, beta):
    larger = error.abs().clamp(min=beta)
    return error / larger.where(larger > 0, 1.0)


def wrong_nan_at_zero_over_zero(error, beta):
    return (error / beta).clamp(-1, 1)


def wrong_huber(error, beta):
    return error.clamp(-beta, beta)


def wrong_eps(error, beta):
    return (error / (beta + 1e-6)).clamp(-1, 1)


def wrong_absolute_error(error, beta):
    return error.sign()


def wrong_two_branches(error, beta):
    return torch.where(error.abs() <= beta, error / beta, error.sign())


def wrong_a_small_beta_is_none(error, beta):
    """Refused by: a small beta."""
    return error.sign() if beta < 0.05 else (error / beta).clamp(-1, 1)


def wrong_in_place(error, beta):
    """Refused by: nothing changed."""
    error.zero_()
    return torch.zeros_like(error)
