r"""The slope of the opposite.

You have $\log p$, below 0, and somebody computes $\log(1 - p)$ with it.
Write the derivative of that by $\log p$, one number for each entry, without autograd.
It has to be right in float32 from $p = 10^{-30}$ to $1 - 10^{-7}$, in one expression.

Nudge: Divide numerator and denominator of p / (1 - p) by p. Which function of torch is the new denominator?

Sketch: Minus one over (1 / p - 1), and 1 / p - 1 is expm1 of minus log p.

Why: The derivative is -p / (1 - p), minus the odds. Near p = 1, 1 - exp(log_p) has lost its digits before they are
divided by: at log p = -1e-7 float32 gives -8.4 million instead of -10 million. expm1 never forms the 1, and there are
no two branches, unlike for the value.
"""

import torch

from .._draw import between
from .._exact import log1mexp, slope

KIND = "derive"
LEVEL = 2
MINUTES = 8
TAKES = {"log_p": between(-69.0, -1.2e-7, "...")}
WITHOUT = ["autograd"]
DTYPES = (torch.float64, torch.float32)
SCALES = (1.0,)
FILLED = ["log_p"]
AT = {
    "p near 1": {"log_p": [-1.2e-7, -1e-5, -3e-7]},
    "p near 0": {"log_p": [-69.0, -30.0, -10.0]},
}


def slope_of_complement(log_p):
    return -1 / torch.expm1(-log_p)


def exact(log_p):
    return slope(lambda x: log1mexp(x).sum(), log_p)


def right_over_expm1(log_p):
    return log_p.exp() / torch.expm1(log_p)


def right_odds_from_the_logit(log_p):
    logit = log_p - (-torch.expm1(log_p)).log()
    return -logit.exp()


def wrong_textbook(log_p):
    """Refused by: p near 1."""
    p = log_p.exp()
    return -p / (1 - p)


def wrong_slope_by_p(log_p):
    return 1 / torch.expm1(log_p)


def wrong_sign(log_p):
    return 1 / torch.expm1(-log_p)


def wrong_epsilon(log_p):
    p = log_p.exp()
    return -p / (1 - p + 1e-7)


def wrong_one_over_p_less_1(log_p):
    """Refused by: p near 1."""
    return -1 / ((-log_p).exp() - 1)


def wrong_the_value(log_p):
    return (-torch.expm1(log_p)).log()
