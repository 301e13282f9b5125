"""Half precision in, a right mean out.

`input` and `target` are float16 with errors up to 1000; return their mean squared error as a finite float32 number.
The gradient, which arrives in float16, must be finite and right as well.

Nudge: At which step does the first inf appear: the difference, the square or the mean?

Sketch: Convert both tensors before you subtract; autograd converts the gradient back.

Why: float() after the square converts an inf that is already there. Before the difference it also saves the digits that
float16 drops in it. The gradient 2e/N is small, so it fits float16 on its way back.
"""

import torch
import torch.nn.functional as F

from .._draw import near, real

KIND = "build"
LEVEL = 2
MINUTES = 8
TAKES = {"input": real("..."), "target": near("input", "...")}
GRADIENTS = ["input"]
DTYPES = (torch.float16,)
RESULT = {torch.float16: torch.float32}
SCALES = (0.1, 1.0, 30.0, 250.0)
AT = {"errors of 1000": {"input": [500.0, -500.0, 3.14159], "target": [-500.0, 500.0, 2.71828]}}


def half_mse(input, target):
    return (input.float() - target.float()).square().mean()


def exact(input, target):
    return (input - target).square().mean()


def right_by_double(input, target):
    return ((input.double() - target.double()) ** 2).mean().float()


def right_torch(input, target):
    return F.mse_loss(input.float(), target.float())


def wrong_all_in_float16(input, target):
    return (input - target).square().mean()


def wrong_after_the_square(input, target):
    return (input - target).square().float().mean()


def wrong_after_the_mean(input, target):
    return F.mse_loss(input, target).float()


def wrong_clamped(input, target):
    return (input - target).square().clamp(max=65504).float().mean()


def wrong_detached(input, target):
    error = (input - target).detach().float()
    return error.square().mean() + 0 * input.float().sum()


def wrong_after_the_difference(input, target):
    return (input - target).float().square().mean()
