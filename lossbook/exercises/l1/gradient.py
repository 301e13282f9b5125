"""The gradient by hand.

Write the gradient of `l1_loss(input, target)`, mean included, with respect to `input`, without autograd.
Some predictions are exact.

Nudge: Which three values can the slope of one absolute value have?

Sketch: The sign of the error, over the number of elements; torch's sign of 0 is 0.

Why: Error over absolute error is 0/0 at an exact hit, and two cases give it -1 or 1, which pushes a right prediction
away. sign has the third value, 0, which is the convention of torch.
"""

import torch

from ...functional import l1_loss
from .._draw import near, real
from .._exact import slope

KIND = "derive"
LEVEL = 1
MINUTES = 5
TAKES = {"input": real("..."), "target": near("input", "...")}
WITHOUT = ["autograd"]


def l1_gradient(input, target):
    return (input - target).sign() / input.numel()


def exact(input, target):
    return slope(lambda x: l1_loss(x, target), input)


def right_two_comparisons(input, target):
    above, below = input > target, input < target
    return (above.to(input.dtype) - below.to(input.dtype)) / input.numel()


def right_sgn(input, target):
    return torch.sgn(input - target) / input.numel()


def wrong_zero_over_zero_at_a_hit(input, target):
    error = input - target
    return error / error.abs() / input.numel()


def wrong_two_cases(input, target):
    return torch.where(input > target, 1.0, -1.0) / input.numel()


def wrong_per_sample(input, target):
    return (input - target).sign() / len(input)


def wrong_of_the_sum(input, target):
    return (input - target).sign()


def wrong_of_the_square(input, target):
    return 2 * (input - target) / input.numel()


def wrong_soft_sign(input, target):
    return (input - target).tanh() / input.numel()
