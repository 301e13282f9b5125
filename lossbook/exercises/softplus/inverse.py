"""The inverse, with beta.

Write the input for which `softplus(x, beta=beta)` is `v`: exact for $v$ from $10^{-6}$ to $10^{4}$ in float32.

Nudge: Solve exp(beta * v) = 1 + exp(beta * x) for x. Which factor can you take out of the logarithm?

Sketch: x is v plus the logarithm of 1 - exp(-beta * v), over beta; expm1 does the subtraction.

Why: exp(beta * v) overflows at 89 in float32, and at 710 in float64 whatever comes after it. Choosing v itself for a
large v with torch.where repairs the value, and leaves a gradient of NaN.
"""

import torch

from .._draw import between, number

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["logits_and_overflow.complement"]
TAKES = {"v": between(1e-6, 1e4, "..."), "beta": number(0.25, 8)}
GRADIENTS = ["v"]
DTYPES = (torch.float64, torch.float32)
SCALES = (1.0,)
AT = {"1e-6 to 1e4": {"v": [1e-6, 1e-3, 1.0, 100.0, 1e4], "beta": 1.0}}


def inverse(v, beta):
    return v + (-torch.expm1(-beta * v)).log() / beta


def exact(v, beta):
    return v + torch.log(-torch.expm1(-beta * v)) / beta


def right_by_log1mexp(v, beta):
    u = beta * v
    near = u < 0.7
    small = torch.log(-torch.expm1(-u.where(near, 0.5)))
    large = torch.log1p(-torch.exp(-u.where(~near, 1.0)))
    return v + torch.where(near, small, large) / beta


def right_scaled(v, beta):
    u = beta * v
    return (u + torch.log(-torch.expm1(-u))) / beta


def wrong_as_solved(v, beta):
    return ((beta * v).exp() - 1).log() / beta


def wrong_expm1_of_the_large_one(v, beta):
    return torch.expm1(beta * v).log() / beta


def wrong_chosen_afterwards(v, beta):
    x = torch.expm1(beta * v).log() / beta
    return torch.where(beta * v > 20, v, x)


def wrong_beta_forgotten(v, beta):
    return v + (-torch.expm1(-v)).log()


def wrong_not_divided(v, beta):
    return v + (-torch.expm1(-beta * v)).log()


def wrong_logarithm(v, beta):
    return v.log()
