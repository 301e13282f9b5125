"""A masked mean by hand.

Write the mean squared error over the entries where `mask` is True, without lossbook.
Under the mask there may be NaN, in `input` and in `target`, and neither value nor gradient may notice.
If no entry is left, the loss is 0 and so is its gradient.

Nudge: Which operation may see a NaN without passing it on, forwards and backwards?

Sketch: Fill the error with 0 before it is squared, add up, and divide by the count, which is at least 1.

Why: Times 0 keeps a NaN, and so does a where after the square: its backward multiplies 2 * NaN by 0. Filled before the
square, the NaN is gone when the slope is taken. Indexing by the mask works too, except that its mean of nothing is NaN.
"""

import math

import torch

from .._draw import left_out, mask, near, real

KIND = "build"
LEVEL = 1
MINUTES = 8
TAKES = {
    "input": left_out(real("..."), "mask", math.nan),
    "target": left_out(near("input", "...", hits=False), "mask", math.nan),
    "mask": mask("..."),
}
GRADIENTS = ["input"]
WITHOUT = ["lossbook"]
AT = {"nothing left": {"input": [math.nan] * 4, "target": [math.nan] * 4, "mask": [False] * 4}}


def masked_mse(input, target, mask):
    error = (input - target).masked_fill(~mask, 0.0)
    return error.square().sum() / mask.sum().clamp(min=1)


def exact(input, target, mask):
    error = input[mask] - target[mask]
    return error.square().sum() / max(int(mask.sum()), 1)


def right_selected(input, target, mask):
    error = input[mask] - target[mask]
    return error.square().sum() / mask.sum().clamp(min=1)


def right_where_before(input, target, mask):
    zero = torch.zeros_like(input)
    error = torch.where(mask, input, zero) - torch.where(mask, target, zero)
    return (error * error).sum() / max(int(mask.count_nonzero()), 1)


def wrong_mask_after(input, target, mask):
    return ((input - target).square() * mask).sum() / mask.sum().clamp(min=1)


def wrong_where_after(input, target, mask):
    """Refused by: gradient."""
    each = torch.where(mask, (input - target).square(), 0.0)
    return each.sum() / mask.sum().clamp(min=1)


def wrong_divides_by_all(input, target, mask):
    return (input - target).masked_fill(~mask, 0.0).square().mean()


def wrong_mean_of_nothing(input, target, mask):
    """Refused by: nothing left."""
    return (input[mask] - target[mask]).square().mean()


def wrong_nan_to_zero(input, target, mask):
    """Refused by: NaN and infinity."""
    each = (input - target).square().nan_to_num(0.0) * mask
    return each.sum() / mask.sum().clamp(min=1)


def wrong_nan_of_kept_hidden(input, target, mask):
    """Refused by: NaN and infinity."""
    error = (input - target).masked_fill(~mask, 0.0).nan_to_num(0.0, 0.0, 0.0)
    return error.square().sum() / mask.sum().clamp(min=1)


def wrong_written_into(input, target, mask):
    """Refused by: nothing changed."""
    input.data[~mask] = 0
    target[~mask] = 0
    return (input - target).square().sum() / mask.sum().clamp(min=1)
