"""The gradient by hand.

Write the gradient of `mse_loss(input, target)`, mean included, with respect to `input`, without autograd.
The tensors have any shape.

Nudge: One element contributes the square of its error, divided by what?

Sketch: Twice the error, over the number of elements of the tensor, whatever its shape.

Why: len(input) counts samples, and agrees with numel() only for one output per sample; the factor 2 is there because
the loss is the square, not half of it.
"""

import torch

from ...functional import mse_loss
from .._draw import near, real
from .._exact import slope

KIND = "derive"
LEVEL = 1
MINUTES = 5
TAKES = {"input": real("..."), "target": near("input", "...")}
WITHOUT = ["autograd"]


def mse_gradient(input, target):
    return 2 * (input - target) / input.numel()


def exact(input, target):
    return slope(lambda x: mse_loss(x, target), input)


def right_two_over_n(input, target):
    return (input - target).mul(2 / max(input.numel(), 1))


def right_half_of_n(input, target):
    return (input - target) / (0.5 * input.numel())


def wrong_per_sample(input, target):
    return 2 * (input - target) / len(input)


def wrong_of_the_sum(input, target):
    return 2 * (input - target)


def wrong_of_half_the_square(input, target):
    return (input - target) / input.numel()


def wrong_uphill_is_downhill(input, target):
    return 2 * (target - input) / input.numel()


def wrong_averaged(input, target):
    return 2 * (input - target).mean()


def wrong_rows_times_columns(input, target):
    """Refused by: shapes."""
    return 2 * (input - target) / (len(input) * input[0].numel())


def wrong_in_place(input, target):
    """Refused by: nothing changed."""
    input.copy_(target)
    return torch.zeros_like(input)
