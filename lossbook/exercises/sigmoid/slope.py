r"""The slope that does not die.

Write the derivative of the sigmoid, without autograd.
It must be $2.06 \cdot 10^{-9}$ at 20 and at -20 in float32, and finite at 1000.

Nudge: p * (1 - p) is the formula. Which of its two factors is 0 at 20, and what else is that factor?

Sketch: 1 - sigmoid(x) is sigmoid(-x), and that one does not round to 0.

Why: p * (1 - p) subtracts from 1 a number that has rounded to 1: it is 0 from 17 on in float32, and that is what
torch's own backward returns. The product of both sigmoids has no subtraction.
"""

import torch
import torch.nn.functional as F

from .._draw import real

KIND = "derive"
LEVEL = 1
MINUTES = 5
TAKES = {"x": real("...")}
WITHOUT = ["autograd"]
AT = {"the tails": {"x": [-20.0, 20.0, -30.0, 30.0]}, "logits of 1000": {"x": [-1000.0, 1000.0]}}


def sigmoid_slope(x):
    return torch.sigmoid(x) * torch.sigmoid(-x)


def exact(x):
    small = torch.exp(-x.abs())
    return small / (1 + small).square()


def right_small_exponential(x):
    small = torch.exp(-x.abs())
    return small / (1 + small) ** 2


def right_logarithms(x):
    return torch.exp(F.logsigmoid(x) + F.logsigmoid(-x))


def right_cosh(x):
    half = (x / 2).clamp(-1e4, 1e4)
    return 0.25 / torch.cosh(half).square()


def wrong_p_1_p(x):
    """Refused by: the tails."""
    p = torch.sigmoid(x)
    return p * (1 - p)


def wrong_exponential_of_x(x):
    """Refused by: logits of 1000."""
    u = torch.exp(-x)
    return u / (1 + u) ** 2


def wrong_sigmoid_itself(x):
    return torch.sigmoid(-x)


def wrong_tanh(x):
    """Refused by: the tails."""
    return (1 - torch.tanh(x / 2) ** 2) / 4


def wrong_flat_from_30(x):
    """Refused by: the tails."""
    return torch.where(x.abs() < 30, torch.sigmoid(x) * torch.sigmoid(-x), 0.0)
