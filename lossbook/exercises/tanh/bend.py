r"""How it bends.

Write the second derivative of tanh, one number for each element, without autograd.
It must be right at $\pm 20$ in float32, where it is $\mp 3.4 \cdot 10^{-17}$, at $10^{-6}$ and at $\pm 1000$.

Nudge: The slope is 1 - y^2 with y = tanh(x). What is its derivative by the chain rule, and which of its factors
subtracts two numbers that are equal in floats?

Sketch: -2 times tanh times the slope, and the slope as 1 / cosh(x)^2, or as a quotient of exponentials of -2 |x|.

Why: The derivative of 1 - y^2 is -2 y (1 - y^2). From 9 on y rounds to 1 in float32 and 1 - y^2 is 0 with it, while
1 / cosh(x)^2 has no subtraction: it goes down to the smallest float and is 0, not NaN, where cosh overflows. The
bend is largest where y^2 is a third, at 0.66, and is 0.77 there; at 0 there is none, which is why tanh is so nearly the
identity around it.
"""

import torch

from .._draw import real

KIND = "derive"
LEVEL = 2
MINUTES = 8
TAKES = {"x": real("...")}
WITHOUT = ["autograd"]
AT = {
    "the tails": {"x": [-20.0, 20.0, 12.0, 30.0]},
    "small inputs": {"x": [1e-6, -1e-4, 0.0]},
    "inputs of 1000": {"x": [-1000.0, 1000.0]},
}


def tanh_bend(x):
    return -2 * torch.tanh(x) / torch.cosh(x) / torch.cosh(x)


def exact(x):
    u = torch.exp(-2 * x.abs())
    return 8 * u * torch.expm1(-2 * x.abs()) / (1 + u) ** 3 * x.sign()


def right_sigmoids(x):
    slope = 4 * torch.sigmoid(2 * x) * torch.sigmoid(-2 * x)
    return -2 * torch.tanh(x) * slope


def right_exponentials(x):
    u = torch.exp(-2 * x.abs())
    return -8 * torch.tanh(x) * u / (1 + u) ** 2


def wrong_by_the_value(x):
    """Refused by: the tails."""
    y = torch.tanh(x)
    return -2 * y * (1 - y**2)


def wrong_the_slope(x):
    return 1 / torch.cosh(x) ** 2


def wrong_sign(x):
    return 2 * torch.tanh(x) / torch.cosh(x) ** 2


def wrong_chain_rule_forgotten(x):
    return -2 * torch.tanh(x)


def wrong_factor_of_the_sigmoid(x):
    y = torch.tanh(x)
    return y * (1 - y) * (1 - 2 * y)


def wrong_sinh_over_cosh_cubed(x):
    """Refused by: inputs of 1000."""
    return -2 * torch.sinh(x) / torch.cosh(x) ** 3
