r"""The probability of the opposite.

You have $\log p$ and need $\log(1 - p)$, for $p$ from $10^{-30}$ to $1 - 10^{-7}$, in float32, with the right
gradient.

Nudge: Near p = 1, which of exp(log_p) and expm1(log_p) keeps its digits? And near p = 0?

Sketch: Two forms, log of minus expm1 and log1p of minus exp, the first above log p = -log 2. Choose with where outside,
and with where inside, or the other branch makes the gradient NaN.

Why: log(1 - exp(log_p)) subtracts from 1 twice. expm1 keeps the digits of p near 1, log1p those of p near 0. At log p =
-1e-10 the other branch has slope inf, which the outer where multiplies by 0: hence the inner.
"""

import math

import torch

from .._draw import between
from .._exact import log1mexp

KIND = "build"
LEVEL = 2
MINUTES = 15
TAKES = {"log_p": between(-69.0, -1.2e-7, "...")}
GRADIENTS = ["log_p"]
DTYPES = (torch.float64, torch.float32)
SCALES = (1.0,)
FILLED = ["log_p"]
AT = {
    "p near 1": {"log_p": [-1.2e-7, -1e-5, -1e-10]},
    "p near 0": {"log_p": [-69.0, -30.0, -10.0]},
}


def log_complement(log_p):
    near_one = log_p > -math.log(2)
    of_large = (-torch.expm1(log_p.where(near_one, -0.5))).log()
    of_small = torch.log1p(-log_p.where(~near_one, -1.0).exp())
    return torch.where(near_one, of_large, of_small)


def exact(log_p):
    return log1mexp(log_p)


def right_half(log_p):
    near_one = log_p > -0.5
    safe = torch.where(near_one, log_p, torch.full_like(log_p, -0.1))
    far = torch.where(near_one, torch.full_like(log_p, -1.0), log_p)
    return torch.where(near_one, torch.log(-torch.expm1(safe)), torch.log1p(-torch.exp(far)))


def right_clamped_branches(log_p):
    border = -math.log(2)
    of_large = (-torch.expm1(log_p.clamp(min=border))).log()
    of_small = torch.log1p(-log_p.clamp(max=border).exp())
    return torch.where(log_p > border, of_large, of_small)


def wrong_textbook(log_p):
    return (1 - log_p.exp()).log()


def wrong_log1p_alone(log_p):
    return torch.log1p(-log_p.exp())


def wrong_expm1_alone(log_p):
    return (-torch.expm1(log_p)).log()


def wrong_one_where(log_p):
    """Refused by: gradient."""
    of_large, of_small = (-torch.expm1(log_p)).log(), torch.log1p(-log_p.exp())
    return torch.where(log_p > -math.log(2), of_large, of_small)


def wrong_epsilon(log_p):
    return (1 - log_p.exp() + 1e-7).log()


def wrong_log1p_down_to_ten(log_p):
    near_one = log_p > -10
    of_large = (1 - log_p.where(near_one, -0.5).exp()).log()
    of_small = torch.log1p(-log_p.where(~near_one, -1.0).exp())
    return torch.where(near_one, of_large, of_small)
