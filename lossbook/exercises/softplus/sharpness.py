r"""The slope by beta.

Somebody wants to learn the sharpness of the bend as well.
Write the derivative of softplus, $\tfrac{1}{\beta}\log(1 + e^{\beta x})$, by $\beta$, one number for each `x`, without
autograd.
It has to be as precise at $\beta x = \pm 30$ as it is at 0.

Nudge: On paper it is x sigmoid(beta x) / beta minus softplus over beta. What is left of that difference where softplus
is nearly x? Is it an even function of x?

Sketch: Call z the magnitude of beta times x. With minus that in the softplus and in the sigmoid, two small numbers are
added instead of two large ones subtracted; the sum is over beta squared, and negative.

Why: The derivative is minus the entropy of a coin that falls with probability sigmoid(beta x), over beta squared: the
same on both sides, largest at the bend, log(2) / beta ** 2, and nearly 0 elsewhere. As a difference of two numbers near
x it has lost all its digits at 30.
"""

import torch
import torch.nn.functional as F

from .._draw import number, real

KIND = "derive"
LEVEL = 3
MINUTES = 20
AFTER = ["softplus.smooth"]
TAKES = {"x": real("..."), "beta": number(0.25, 8)}
WITHOUT = ["autograd"]
SCALES = (1e-6, 1e-3, 0.1, 1.0, 10.0)
ABSOLUTE = 1e-30
AT = {
    "far to the right": {"x": [30.0, 19.0, 1000.0], "beta": 1.0},
    "far to the left": {"x": [-30.0, -19.0, -1000.0], "beta": 1.0},
}


def slope_by_beta(x, beta):
    z = (beta * x).abs()
    return -(F.softplus(-z) + z * torch.sigmoid(-z)) / beta**2


def exact(x, beta):
    z = (beta * x).abs()
    small = torch.exp(-z)
    return -(torch.log1p(small) + z * small / (1 + small)) / beta**2


def right_entropy(x, beta):
    z = beta * x
    return (torch.sigmoid(z) * F.logsigmoid(z) + torch.sigmoid(-z) * F.logsigmoid(-z)) / beta**2


def right_by_hand(x, beta):
    z = beta * x.abs()
    e = (-z).exp()
    return -(e.log1p() + z * e / (1 + e)) / beta / beta


def wrong_as_derived(x, beta):
    """Refused by: far to the right."""
    return (x * torch.sigmoid(beta * x) - F.softplus(x, beta=beta)) / beta


def wrong_entropy_of_probabilities(x, beta):
    """Refused by: far to the right."""
    q = torch.sigmoid(beta * x)
    return (torch.xlogy(q, q) + torch.xlogy(1 - q, 1 - q)) / beta**2


def wrong_the_division_forgotten(x, beta):
    return x * torch.sigmoid(beta * x)


def wrong_only_the_sigmoid(x, beta):
    return x * torch.sigmoid(beta * x) / beta


def wrong_beta_once(x, beta):
    z = (beta * x).abs()
    return -(F.softplus(-z) + z * torch.sigmoid(-z)) / beta


def wrong_sign(x, beta):
    z = (beta * x).abs()
    return (F.softplus(-z) + z * torch.sigmoid(-z)) / beta**2


def wrong_by_x(x, beta):
    return torch.sigmoid(beta * x)


def wrong_one_branch(x, beta):
    """Refused by: far to the left."""
    z = beta * x
    return -(F.softplus(-z) + z * torch.sigmoid(-z)) / beta**2
