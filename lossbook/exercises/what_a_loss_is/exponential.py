r"""From a distribution to a loss.

Waiting times follow an exponential distribution with rate $\lambda > 0$: $p(y) = \lambda e^{-\lambda y}$.
The model gives $z = \log \lambda$, any real number.
Write the loss of each element; keep what has a gradient.

Nudge: What is the logarithm of lambda * exp(-lambda * y), where the model gives log lambda?

Sketch: Minus the logarithm has two terms. One is lambda times the waiting time, the other the input.

Why: -log p(y) = lambda y - log lambda, and log lambda is the input: taking log(exp(input)) would go through infinity
for large inputs. The density exceeds 1 for short waits, so the loss may be negative; a clamp at 0 would take the
gradient away from the best predictions.
"""

import torch

from .._draw import positive, real

KIND = "derive"
LEVEL = 1
MINUTES = 5
TAKES = {"input": real("..."), "target": positive("...", zero=True)}
GRADIENTS = ["input"]
SCALES = (1e-6, 1e-3, 0.1, 1.0, 10.0)
AT = {
    "below zero": {"input": [2.0, 5.0, 60.0], "target": [0.01, 0.001, 1e-27]},
    "rates that vanish": {"input": [-800.0, -90.0, -20.0], "target": [1.0, 1.0, 0.0]},
}


def exponential_nll(input, target):
    return input.exp() * target - input


def exact(input, target):
    return -(input - target * input.exp())


def right_exp(input, target):
    return torch.exp(input) * target - input


def right_log_density(input, target):
    log_density = input - torch.exp(input) * target
    return -log_density


def wrong_rate_for_log_rate(input, target):
    return input * target - input.log()


def wrong_the_likelihood(input, target):
    return input.exp() * (-input.exp() * target).exp()


def wrong_never_negative(input, target):
    return (input.exp() * target - input).relu()


def wrong_sign(input, target):
    return input - input.exp() * target


def wrong_epsilon(input, target):
    return input.exp() * target - (input.exp() + 1e-6).log()


def wrong_log_of_exp(input, target):
    """Refused by: rates that vanish."""
    return input.exp() * target - input.exp().log()
