"""The gradient by hand.

Return the gradient of `multilabel_soft_margin_loss` with respect to the logits, shape (N, C), for targets between 0 and
1, a `weight` of shape (C,) and the default reduction, without autograd.

Nudge: Which divisions stand between an entry and the mean? Do the weights take part in one?

Sketch: An entry has the slope sigmoid minus target. Weigh it by its label, divide by the labels of the sample, and by
the samples of the batch.

Why: It is weight (p - t) / (N C), that of binary cross entropy with the same weight, because every sample has C labels.
The weights are no part of the divisor: twice the weight is twice the step, for all labels. And they scale yes and no
alike, so the place where the gradient is 0 does not move.
"""

import torch
import torch.nn.functional as F

from .._draw import positive, real, share
from .._exact import largest

KIND = "derive"
LEVEL = 1
MINUTES = 6
TAKES = {"logits": real("N", "C"), "target": share("N", "C"), "weight": positive("C")}
WITHOUT = ["autograd"]


def size(logits, target, weight):
    return largest(weight) / max(logits.numel(), 1)


def logit_gradient(logits, target, weight):
    return weight * (logits.sigmoid() - target) / logits.numel()


def exact(logits, target, weight):
    no, yes = (1 - target) * torch.sigmoid(logits), target * torch.sigmoid(-logits)
    return weight * (no - yes) / max(logits.numel(), 1)


def right_one_division_after_the_other(logits, target, weight):
    samples, labels = logits.shape
    return weight / labels * (torch.sigmoid(logits) - target) / samples


def right_two_sigmoids(logits, target, weight):
    up, down = (1 - target) * logits.sigmoid(), target * (-logits).sigmoid()
    return (weight * up - weight * down) / logits.numel()


def wrong_of_the_sum(logits, target, weight):
    return weight * (logits.sigmoid() - target) / logits.shape[1]


def wrong_divided_by_the_samples_only(logits, target, weight):
    return weight * (logits.sigmoid() - target) / logits.shape[0]


def wrong_divided_by_the_weights(logits, target, weight):
    return weight * (logits.sigmoid() - target) / (logits.shape[0] * weight.sum())


def wrong_weight_on_the_yes_only(logits, target, weight):
    p = logits.sigmoid()
    return ((1 - target) * p - weight * target * (1 - p)) / logits.numel()


def wrong_softmax(logits, target, weight):
    return weight * (logits.softmax(1) - target) / logits.numel()


def wrong_sign(logits, target, weight):
    return weight * (target - logits.sigmoid()) / logits.numel()


def wrong_through_the_probability(logits, target, weight):
    """Refused by: scales."""
    p = logits.sigmoid()
    return weight * ((1 - target) / (1 - p) - target / p) * p * (1 - p) / logits.numel()


def wrong_autograd_in_a_cell(logits, target, weight):
    """Refused by: rules."""
    with torch.enable_grad():
        leaf = logits.detach().clone().requires_grad_()
        loss = F.multilabel_soft_margin_loss(leaf, target, weight=weight)
        return torch.autograd.grad(loss, leaf)[0]
