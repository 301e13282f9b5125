"""Squares with two prices.

The *expectile* loss prices the squared error: `under` times the square if the forecast is too low, the square itself
if not.
Return one number per record; refuse shapes that differ, and keep the dtype.

Nudge: Which number is larger when the forecast is too low, and what does `-` do to (N, 1) and (N,)?

Sketch: Compare the shapes and raise ValueError; then choose between under times the square and the square.

Why: A new tensor of prices has the default dtype and device, which promotes half precision to float32 and fails on a
GPU; a number times a tensor keeps both. Nothing but a comparison of the shapes stops broadcasting.
"""

import torch

from .._draw import near, number, real

KIND = "build"
LEVEL = 1
MINUTES = 10
AFTER = ["l1.quantile"]
TAKES = {"input": real("..."), "target": near("input", "..."), "under": number(0.05, 20)}
GRADIENTS = ["input"]
REFUSES = [("input", "target")]
KEEPS_DTYPE = True


def expectile_loss(input, target, under):
    if input.shape != target.shape:
        raise ValueError(f"shapes must match: {tuple(input.shape)}, {tuple(target.shape)}")
    square = (target - input) ** 2
    return torch.where(target > input, under * square, square)


def exact(input, target, under):
    square = (target - input) ** 2
    return square.where(target <= input, under * square)


def right_two_sides(input, target, under):
    assert input.shape == target.shape
    error = target - input
    return under * error.clamp(min=0) ** 2 + error.clamp(max=0) ** 2


def right_price_of_like(input, target, under):
    if input.shape != target.shape:
        raise ValueError("shapes differ")
    error = target - input
    price = torch.ones_like(error).masked_fill(error > 0, under)
    return price * error * error


def wrong_no_look_at_the_shapes(input, target, under):
    """Refused by: shapes that differ."""
    square = (target - input) ** 2
    return torch.where(target > input, under * square, square)


def wrong_price_squared(input, target, under):
    assert input.shape == target.shape
    error = target - input
    return torch.where(error > 0, under * error, error) ** 2


def wrong_sides_exchanged(input, target, under):
    square = (input - target) ** 2
    return torch.where(input > target, under * square, square)


def wrong_a_new_tensor_of_prices(input, target, under):
    if input.shape != target.shape:
        raise ValueError
    price = torch.ones(input.shape)
    price[target > input] = under
    return price * (target - input) ** 2


def wrong_mean(input, target, under):
    square = (target - input) ** 2
    return torch.where(target > input, under * square, square).mean()


def wrong_number_of_axes(input, target, under):
    """Refused by: shapes that differ."""
    if input.dim() != target.dim():
        raise ValueError("shapes differ")
    square = (target - input) ** 2
    return torch.where(target > input, under * square, square)
