r"""A tanh of your own.

Without `torch.tanh`: right at 0 (its slope is 1), at $10^{-7}$ in float32, and at $\pm 1000$, in value and gradient.

Nudge: Which exponential never overflows? Which function gives e^u - 1 with all its digits for a small u?

Sketch: With t = expm1(-2 |x|) the result is -t / (t + 2) with the sign of x. Take the sign as 1 at 0, or the slope
there is 0.

Why: expm1 keeps the digits near 0, where a difference of two exponentials near 1 loses them, and the exponent is never
above 0. torch.sign is 0 at 0 and would take the slope with it.
"""

import torch

from .._draw import real

KIND = "build"
LEVEL = 2
MINUTES = 15
TAKES = {"x": real("...")}
WITHOUT = ["tanh", "lossbook"]
GRADIENTS = ["x"]
SLOPE_SIZE = 1.0
AT = {"small inputs": {"x": [1e-4, -1e-7, 3e-4, 0.0]}, "inputs of 1000": {"x": [-1000.0, 1000.0]}}


def my_tanh(x):
    sign = torch.where(x < 0, -1.0, 1.0)
    t = torch.expm1(-2 * sign * x)
    return -sign * t / (t + 2)


def exact(x):
    return torch.tanh(x)


def right_copysign(x):
    t = torch.expm1(-2 * x * torch.where(x < 0, -1.0, 1.0).to(x.dtype))
    return torch.where(x < 0, t / (t + 2), -t / (t + 2))


def right_two_branches(x):
    up, down = x.clamp(min=0), x.clamp(max=0)
    p, n = torch.expm1(-2 * up), torch.expm1(2 * down)
    return torch.where(x >= 0, -p / (p + 2), n / (n + 2))


def wrong_the_formula(x):
    """Refused by: small inputs."""
    return (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x))


def wrong_sigmoid(x):
    return 2 * torch.sigmoid(2 * x) - 1


def wrong_sinh_over_cosh(x):
    """Refused by: inputs of 1000."""
    return torch.sinh(x) / torch.cosh(x)


def wrong_flat_at_0(x):
    """Refused by: gradient."""
    t = torch.expm1(-2 * x.abs())
    return -torch.sign(x) * t / (t + 2)


def wrong_overflow_on_one_side(x):
    """Refused by: inputs of 1000."""
    t = torch.expm1(-2 * x)
    return -t / (t + 2)


def wrong_formula_beyond_small(x):
    """Refused by: small inputs."""
    near = x.abs() < 3e-4
    u = torch.exp(-2 * x.abs())
    return torch.where(near, x, x.sign() * (1 - u) / (1 + u))
