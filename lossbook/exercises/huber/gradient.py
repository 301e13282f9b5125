"""The gradient by hand.

Write the derivative of the loss with respect to the error, one number for each error, in one line and without
autograd.

Nudge: The gradient is the error while the error is small. What is the largest value it ever takes?

Sketch: Limit the error to the interval from -delta to delta; torch has one function for that.

Why: sign(error) alone forgets the quadratic part, and dividing by delta gives the gradient of smooth L1. The clamp is
exact, has no branch, and shows that no single error pulls harder than delta.
"""

import torch

from ...functional import huber_loss
from .._draw import number, real
from .._exact import slope

KIND = "derive"
LEVEL = 1
MINUTES = 5
TAKES = {"error": real("..."), "delta": number(0.05, 20)}
WITHOUT = ["autograd"]


def huber_gradient(error, delta):
    return error.clamp(-delta, delta)


def exact(error, delta):
    return slope(lambda e: huber_loss(e, torch.zeros_like(e), delta=delta, reduction="sum"), error)


def right_branches(error, delta):
    return torch.where(error.abs() <= delta, error, delta * error.sign())


def right_shrunk(error, delta):
    return error * (delta / error.abs().clamp(min=delta))


def wrong_absolute_error(error, delta):
    return delta * error.sign()


def wrong_squared_error(error, delta):
    return error


def wrong_smooth_l1(error, delta):
    return error.clamp(-delta, delta) / delta


def wrong_delta_ignored(error, delta):
    return error.clamp(-1.5, 1.5)
