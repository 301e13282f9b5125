r"""A sigmoid of your own.

Write the sigmoid so that value and autograd's gradient are right everywhere: at 0, at $\pm 20$ in float32 (where
torch's slope is 0), at $\pm 1000$.

Nudge: Which exponentials never overflow? And what is the slope of abs at 0, according to autograd?

Sketch: The exponential of the logarithm of the sigmoid never overflows, and torch has that logarithm. Or take the two
stable forms and join them by a mask of ones and zeros.

Why: Autograd multiplies the value, which may have rounded to 1, by the slope of the log sigmoid, which is sigmoid(-x)
and has not rounded to 0. torch.sigmoid keeps only its result and computes p * (1 - p).
"""

import torch
import torch.nn.functional as F

from .._draw import real

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["sigmoid.slope"]
TAKES = {"x": real("...")}
GRADIENTS = ["x"]
AT = {
    "the tails": {"x": [-20.0, 20.0]},
    "small probabilities": {"x": [-50.0, -80.0]},
    "logits of 1000": {"x": [-1000.0, 1000.0]},
}


def absolute(x):
    return 3e-9 * torch.sigmoid(x)  # F.softplus is the identity from 20 on


def slope_absolute(x):
    return absolute(x) * torch.sigmoid(-x)


def my_sigmoid(x):
    return torch.exp(F.logsigmoid(x))


def exact(x):
    return torch.exp(F.logsigmoid(x))


def right_logaddexp(x):
    return torch.exp(-torch.logaddexp(-x, torch.zeros_like(x)))


def right_ones_and_zeros(x):
    yes = (x >= 0).to(x.dtype)
    small = torch.exp(x * (1 - 2 * yes))
    return yes / (1 + small) + (1 - yes) * small / (1 + small)


def wrong_one_line(x):
    """Refused by: gradient."""
    return 1 / (1 + torch.exp(-x))


def wrong_the_other_line(x):
    """Refused by: logits of 1000."""
    return torch.exp(x) / (1 + torch.exp(x))


def wrong_torch(x):
    """Refused by: gradient."""
    return torch.sigmoid(x)


def wrong_tanh(x):
    """Refused by: the tails."""
    return 0.5 * (1 + torch.tanh(x / 2))


def wrong_where(x):
    """Refused by: gradient."""
    return torch.where(x >= 0, 1 / (1 + torch.exp(-x)), torch.exp(x) / (1 + torch.exp(x)))


def wrong_clamp(x):
    """Refused by: the tails."""
    return 1 / (1 + torch.exp(-x.clamp(-15, 15)))


def wrong_flat_at_0(x):
    """Refused by: gradient."""
    small = torch.exp(-x.abs())
    return torch.where(x >= 0, 1 / (1 + small), small / (1 + small))


def wrong_clamp_at_60(x):
    """Refused by: small probabilities."""
    return torch.exp(F.logsigmoid(x.clamp(-60, 60)))
