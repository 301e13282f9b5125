"""The gradient by hand.

Return the gradient of the *mean* loss with respect to the logits, shape (N, K), for targets between 0 and 1 and a
`pos_weight` of shape (K,).
Autograd is switched off while you are checked.

Nudge: Write the loss as two terms, -w t log p and -(1 - t) log(1 - p). What is the slope of each in z?

Sketch: The slope of -log p is p - 1, that of -log(1 - p) is p. Weigh the first by w t, the second by 1 - t, add, and
divide by what the mean divides by.

Why: For targets of 0 and 1 a factor on p - t where t is 1 would do, but a soft target has a share on both sides, and
only its share of yes is weighed. The mean divides by samples times labels, and pos_weight does not change that.
"""

import torch
import torch.nn.functional as F

from .._draw import positive, real, share
from .._exact import largest

KIND = "derive"
LEVEL = 2
MINUTES = 10
AFTER = ["binary_cross_entropy.gradient"]
TAKES = {"logits": real("N", "K"), "target": share("N", "K"), "pos_weight": positive("K")}
WITHOUT = ["autograd"]


def size(logits, target, pos_weight):
    return (1 + largest(pos_weight)) / max(logits.numel(), 1)


def logit_gradient(logits, target, pos_weight):
    p = logits.sigmoid()
    pull = (1 - target) * p - pos_weight * target * (1 - p)
    return pull / logits.numel()


def exact(logits, target, pos_weight):
    no, yes = (1 - target) * torch.sigmoid(logits), pos_weight * target * torch.sigmoid(-logits)
    return (no - yes) / logits.numel()


def right_collected(logits, target, pos_weight):
    p = torch.sigmoid(logits)
    weight = 1 - target + pos_weight * target
    return (weight * p - pos_weight * target) / logits.numel()


def right_two_sigmoids(logits, target, pos_weight):
    up = (1 - target) * logits.sigmoid()
    down = pos_weight * target * (-logits).sigmoid()
    return (up - down) / logits.numel()


def wrong_weight_on_the_whole_entry(logits, target, pos_weight):
    return pos_weight * (logits.sigmoid() - target) / logits.numel()


def wrong_right_for_0_and_1_only(logits, target, pos_weight):
    factor = torch.where(target > 0.5, pos_weight, 1.0)
    return factor * (logits.sigmoid() - target) / logits.numel()


def wrong_no_weight(logits, target, pos_weight):
    return (logits.sigmoid() - target) / logits.numel()


def wrong_divided_by_the_samples(logits, target, pos_weight):
    p = logits.sigmoid()
    return ((1 - target) * p - pos_weight * target * (1 - p)) / len(logits)


def wrong_divided_by_the_weights(logits, target, pos_weight):
    p = logits.sigmoid()
    total = (1 - target + pos_weight * target).sum()
    return ((1 - target) * p - pos_weight * target * (1 - p)) / total


def wrong_of_the_sum(logits, target, pos_weight):
    p = logits.sigmoid()
    return (1 - target) * p - pos_weight * target * (1 - p)


def wrong_through_the_probability(logits, target, pos_weight):
    """Refused by: scales."""
    p = logits.sigmoid()
    slope = (1 - target) / (1 - p) - pos_weight * target / p
    return slope * p * (1 - p) / logits.numel()


def wrong_autograd_in_a_cell(logits, target, pos_weight):
    """Refused by: rules."""
    with torch.enable_grad():
        leaf = logits.detach().clone().requires_grad_()
        loss = F.binary_cross_entropy_with_logits(leaf, target, pos_weight=pos_weight)
        return torch.autograd.grad(loss, leaf)[0]
