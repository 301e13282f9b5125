"""The gradient by hand.

Return the gradient of the *mean* loss with respect to the probabilities, for targets between 0 and 1, right down to $p
= 10^{-30}$.
Autograd is switched off while you are checked.

Nudge: Bring the two terms to one denominator. What is left above it?

Sketch: The difference of p and target, over p (1 - p), divided by what the mean divides by.

Why: At p = 1e-30 the true gradient is -1e30, and a sigmoid before it needs every digit of that: its own slope is 1e-30,
and the product is -1. A floor under the denominator, or a clamp of p, makes the product nearly 0.
"""

import torch
import torch.nn.functional as F

from .._draw import share

KIND = "derive"
LEVEL = 1
MINUTES = 8
TAKES = {"p": share("...", ends=False), "target": share("...")}
WITHOUT = ["autograd"]
AT = {
    "small probabilities, target 1": {"p": [1e-6, 1e-14, 1e-30], "target": [1.0, 1.0, 1.0]},
    "small probabilities, target 0": {"p": [1e-6, 1e-14, 1e-30], "target": [0.0, 0.0, 0.0]},
}


def probability_gradient(p, target):
    return (p - target) / (p * (1 - p)) / p.numel()


def size(p, target):
    return 1 / max(p.numel(), 1)


def exact(p, target):
    return (p - target) / (p - p * p) / p.numel()


def right_two_terms(p, target):
    return ((1 - target) / (1 - p) - target / p) / p.numel()


def right_one_denominator(p, target):
    return (p - target) / (p.numel() * p * (1 - p))


def wrong_of_the_logit(p, target):
    return (p - target) / p.numel()


def wrong_sign(p, target):
    return (target - p) / (p * (1 - p)) / p.numel()


def wrong_of_the_sum(p, target):
    return (p - target) / (p * (1 - p))


def wrong_divided_by_the_rows(p, target):
    return (p - target) / (p * (1 - p)) / len(p)


def wrong_a_floor_under_the_denominator(p, target):
    """Refused by: small probabilities, target 1."""
    return (p - target) / (p * (1 - p)).clamp(min=1e-12) / p.numel()


def wrong_p_clamped(p, target):
    """Refused by: small probabilities, target 1."""
    p = p.clamp(1e-7, 1 - 1e-7)
    return (p - target) / (p * (1 - p)) / p.numel()


def wrong_the_yes_part_only(p, target):
    return -target / p / p.numel()


def wrong_func_grad(p, target):
    """Refused by: rules."""
    return torch.func.grad(lambda q: F.binary_cross_entropy(q, target))(p)
