"""Milligrams.

This logistic regression is written out by hand.
With doses in grams it works; with the same doses in milligrams its weights are NaN after a step or two.
Repair it so that it returns what the same steps give without overflow, for doses in any unit.

Nudge: What is log(1 + exp(z)) for a logit of 1000, on paper and in float32? And its derivative?

Sketch: On paper it is 1000, since the 1 does not count. Write log(1 + exp(z)) with a function that takes out the larger
of its two terms, or hand the logits to a loss that does.

Why: exp(1000) is inf, its logarithm inf, and the derivative is inf / inf, which is NaN and takes all weights with it.
Smaller steps lead elsewhere; a clamp of the logits at 80 keeps the numbers finite and gives the samples that are most
wrong no gradient at all. softplus, logaddexp and binary_cross_entropy_with_logits are right for any logit: the slope of
log(1 + exp(z)) is a sigmoid, at most 1.
"""

import torch
import torch.nn.functional as F

from .._cases import WIDE, Case

KIND = "repair"
LEVEL = 1
MINUTES = 8


def cases():
    for label, unit in (("grams", 1.0), ("milligrams", 1000.0), ("pounds", 0.002)):
        for dtype in WIDE:
            doses = unit * (torch.rand(30, 3, dtype=dtype) - 0.3)
            target = (torch.rand(30, dtype=dtype) < 0.5).to(dtype)
            start = 0.1 * torch.randn(3, dtype=dtype)
            yield Case(label, [start, doses, target], ["start", "doses", "target"], dtype)


def size(start, doses, target):
    return 1.0 + 3 * doses.abs().max()


def absolute(start, doses, target):
    return 1e-8 * doses.abs().max()  # F.softplus is the identity from 20 on


def broken(start, doses, target):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    for _ in range(3):
        optimiser.zero_grad()
        z = doses @ weight
        loss = ((1 + z.exp()).log() - target * z).mean()
        loss.backward()
        optimiser.step()
    return weight.detach()


def train(start, doses, target):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    for _ in range(3):
        optimiser.zero_grad()
        z = doses @ weight
        loss = F.binary_cross_entropy_with_logits(z, target)
        loss.backward()
        optimiser.step()
    return weight.detach()


def exact(start, doses, target):
    weight = start
    for _ in range(3):
        weight = weight - 0.5 * doses.T @ ((doses @ weight).sigmoid() - target) / len(target)
    return weight


def _walked(start, doses, target, loss, lr=0.5, clip=None):
    weight = start.clone().requires_grad_()
    for _ in range(3):
        (slope,) = torch.autograd.grad(loss(doses @ weight), weight)
        if clip:
            slope = slope * (clip / slope.norm()).clamp(max=1.0)
        weight = (weight - lr * slope).detach().requires_grad_()
    return weight.detach()


def right_softplus(start, doses, target):
    return _walked(start, doses, target, lambda z: (F.softplus(z) - target * z).mean())


def right_logaddexp(start, doses, target):
    zero = torch.zeros_like(target)
    return _walked(start, doses, target, lambda z: (torch.logaddexp(z, zero) - target * z).mean())


def wrong_smaller_steps(start, doses, target):
    return _walked(start, doses, target, lambda z: ((1 + z.exp()).log() - target * z).mean(), lr=1e-4)


def wrong_clamped(start, doses, target):
    """Refused by: milligrams."""

    def loss(z):
        z = z.clamp(-80, 80)
        return ((1 + z.exp()).log() - target * z).mean()

    return _walked(start, doses, target, loss)


def wrong_clamp_in_the_exponential(start, doses, target):
    """Refused by: milligrams."""
    return _walked(start, doses, target, lambda z: ((1 + z.clamp(max=80).exp()).log() - target * z).mean())


def wrong_log1p(start, doses, target):
    """Refused by: milligrams."""
    return _walked(start, doses, target, lambda z: (z.exp().log1p() - target * z).mean())


def wrong_nan_to_num(start, doses, target):
    """Refused by: milligrams."""
    return _walked(start, doses, target, lambda z: ((1 + z.exp()).log().nan_to_num() - target * z).mean())


def wrong_clipped_gradient(start, doses, target):
    return _walked(start, doses, target, lambda z: ((1 + z.exp()).log() - target * z).mean(), clip=1.0)


def wrong_probabilities_and_an_epsilon(start, doses, target):
    def loss(z):
        p = z.sigmoid()
        return -(target * (p + 1e-7).log() + (1 - target) * (1 - p + 1e-7).log()).mean()

    return _walked(start, doses, target, loss)


def wrong_units_divided_out(start, doses, target):
    return _walked(start, doses / doses.abs().max(), target, lambda z: (F.softplus(z) - target * z).mean())
