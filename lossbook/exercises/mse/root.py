"""A root that survives an exact hit.

Write the root mean squared error so that its gradient is 0, not NaN, when every prediction is exact.
An error of $10^{-6}$ must still count as $10^{-6}$.

Nudge: Which function of a whole vector is a root of a sum of squares, and has to be defined at 0?

Sketch: The Euclidean norm of the errors, over the root of their number; its gradient at 0 is 0 in torch.

Why: sqrt has an infinite slope at 0, and autograd multiplies it by an error of 0. Adding eps under the root avoids
that, but every error below sqrt(eps) then costs the same; the norm picks the subgradient 0.
"""

import torch

from .._draw import near, real

KIND = "build"
LEVEL = 2
MINUTES = 10
TAKES = {"input": real("..."), "target": near("input", "...")}
GRADIENTS = ["input"]
AT = {
    "small errors": {"input": [1e-6, -1e-6, 1e-6], "target": [0.0, 0.0, 0.0]},
    "tiny errors": {"input": [1e-15, -1e-15], "target": [0.0, 0.0]},
    "an exact hit": {"input": [1.0, -2.0, 3.0], "target": [1.0, -2.0, 3.0]},
}


def rmse_loss(input, target):
    return torch.linalg.vector_norm(input - target) / input.numel() ** 0.5


def exact(input, target):
    return torch.linalg.vector_norm(input - target) / input.numel() ** 0.5


def right_norm(input, target):
    error = input - target
    return error.norm() / error.numel() ** 0.5


def right_two_wheres(input, target):
    mse = (input - target).square().mean()
    return torch.where(mse > 0, torch.where(mse > 0, mse, 1.0).sqrt(), 0.0 * mse)


def wrong_textbook(input, target):
    """Refused by: gradient."""
    return ((input - target) ** 2).mean().sqrt()


def wrong_eps_under_the_root(input, target):
    return (((input - target) ** 2).mean() + 1e-8).sqrt()


def wrong_clamped(input, target):
    """Refused by: small errors."""
    return ((input - target) ** 2).mean().clamp(min=1e-8).sqrt()


def wrong_masked_afterwards(input, target):
    """Refused by: gradient."""
    mse = ((input - target) ** 2).mean()
    return torch.where(mse > 0, mse.sqrt(), mse)


def wrong_norm_of_the_mean(input, target):
    return torch.linalg.vector_norm(input - target) / input.numel()


def wrong_tiny_sum(input, target):
    """Refused by: small errors."""
    return torch.linalg.vector_norm(input - target) / input.numel() ** 0.5 + 1e-19
