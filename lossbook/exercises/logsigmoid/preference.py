r"""The gradient of a preference.

Direct preference optimisation compares two answers to one question, of which the `chosen` one was preferred to the
`rejected` one: its loss is $-\log\sigma(\beta\,(c - r))$.
Return its derivatives by `chosen` and by `rejected`, stacked to shape (2, N), without autograd.
They must hold where the difference is large, on either side.

Nudge: What is 1 - sigmoid(z) in float32 for a z of 20? Which function gives the same number without a subtraction?

Sketch: The slope of minus the log sigmoid of z is minus the sigmoid of -z. The chain rule adds beta, and a sign for the
rejected one.

Why: The pull on a pair is beta times the probability that the model gives to the wrong order: beta at most, and never
quite 0. Written as 1 - sigmoid it is 0 from 17 on in float32, from 37 on in float64. Both derivatives are the same but
for the sign, so what the pair has in common is never learned.
"""

import torch

from .._draw import number, real
from .._exact import slope

KIND = "derive"
LEVEL = 1
MINUTES = 6
TAKES = {"chosen": real("N"), "rejected": real("N"), "beta": number(0.05, 5)}
WITHOUT = ["autograd"]
AT = {
    "large differences": {"chosen": [40.0, 25.0, 1000.0, 0.0], "rejected": [0.0, 5.0, 0.0, 1000.0], "beta": 1.0},
}


def preference_gradient(chosen, rejected, beta):
    pull = beta * torch.sigmoid(beta * (rejected - chosen))
    return torch.stack([-pull, pull])


def exact(chosen, rejected, beta):
    lead = slope(lambda z: -torch.nn.functional.logsigmoid(z).sum(), beta * (chosen - rejected))
    return torch.stack([beta * lead, -beta * lead])


def right_softmax_of_the_pair(chosen, rejected, beta):
    wrong = torch.stack([beta * chosen, beta * rejected]).softmax(0)[1]
    return torch.stack([-beta * wrong, beta * wrong])


def right_hyperbolic(chosen, rejected, beta):
    z = beta * (chosen - rejected)
    wrong = (-z).where(z > 0, 0).exp() / (1 + (-z.abs()).exp())
    return torch.stack([-beta * wrong, wrong * beta])


def wrong_one_minus_the_sigmoid(chosen, rejected, beta):
    """Refused by: large differences."""
    pull = beta * (1 - torch.sigmoid(beta * (chosen - rejected)))
    return torch.stack([-pull, pull])


def wrong_beta_forgotten_in_front(chosen, rejected, beta):
    pull = torch.sigmoid(beta * (rejected - chosen))
    return torch.stack([-pull, pull])


def wrong_beta_forgotten_inside(chosen, rejected, beta):
    pull = beta * torch.sigmoid(rejected - chosen)
    return torch.stack([-pull, pull])


def wrong_the_right_order(chosen, rejected, beta):
    pull = beta * torch.sigmoid(beta * (chosen - rejected))
    return torch.stack([-pull, pull])


def wrong_the_same_sign(chosen, rejected, beta):
    pull = beta * torch.sigmoid(beta * (rejected - chosen))
    return torch.stack([-pull, -pull])


def wrong_of_the_sigmoid(chosen, rejected, beta):
    q = torch.sigmoid(beta * (chosen - rejected))
    return torch.stack([-beta * q * (1 - q), beta * q * (1 - q)])


def wrong_one_of_two(chosen, rejected, beta):
    return -beta * torch.sigmoid(beta * (rejected - chosen))


def wrong_the_mean(chosen, rejected, beta):
    pull = beta * torch.sigmoid(beta * (rejected - chosen)) / len(chosen)
    return torch.stack([-pull, pull])
