"""A promise that nine in ten calls keep.

Write the **pinball loss**, whose best constant is the `q`-quantile: an observation above the prediction costs `q` for
each unit of distance, one below costs `1 - q`.
Return the mean over all elements.
At `q = 0.5` it is half the L1 loss, exact hits included.

Nudge: For q = 0.9, which is worse: to promise too little or too much?

Sketch: q times the part of (target - input) above 0, plus 1 - q times the part of (input - target) above 0.

Why: Half the absolute error plus a tilt: at q = 0.5 the tilt is 0 and half of L1 is left, with gradient 0 at an exact
hit. The two cases in torch.where give the same values and a slope of -q or 1 - q there.
"""

import torch

from .._draw import near, number, real

KIND = "build"
LEVEL = 1
MINUTES = 8
TAKES = {"input": real("..."), "target": near("input", "...", hits=False), "q": number(0.02, 0.98, 0.5, evenly=True)}
GRADIENTS = ["input"]
AT = {
    "nine in ten": {"input": [1.0, -2.0, 3.0], "target": [0.0, 5.0, 5.0], "q": 0.9},
    "half of L1 at q = 0.5": {"input": [1.0, -2.0, 3.0], "target": [1.0, -2.0, 5.0], "q": 0.5},
}


def pinball_loss(input, target, q):
    error = input - target
    return (0.5 * error.abs() + (0.5 - q) * error).mean()


def exact(input, target, q):
    error = target - input
    return torch.where(error > 0, q * error, torch.where(error < 0, (q - 1) * error, 0.0 * error)).mean()


def right_two_parts(input, target, q):
    above, below = (target - input).relu(), (input - target).relu()
    return (q * above + (1 - q) * below).mean()


def right_weight_by_sign(input, target, q):
    error = target - input
    return (error.abs() * (0.5 + (q - 0.5) * error.sign())).mean()


def wrong_sides_swapped(input, target, q):
    error = input - target
    return (0.5 * error.abs() + (q - 0.5) * error).mean()


def wrong_weighted_l1(input, target, q):
    return q * (input - target).abs().mean()


def wrong_two_cases(input, target, q):
    """Refused by: gradient."""
    error = input - target
    return torch.where(error > 0, (1 - q) * error, -q * error).mean()


def wrong_of_squares(input, target, q):
    error = input - target
    return (torch.where(error > 0, 1 - q, q) * error**2).mean()


def wrong_sum(input, target, q):
    error = input - target
    return (0.5 * error.abs() + (0.5 - q) * error).sum()
