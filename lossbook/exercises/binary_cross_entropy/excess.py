"""Above the floor.

Return the mean loss of logits *minus the entropy of the targets*, for targets between 0 and 1, both ends included: 0
for a perfect model, and the gradient of the loss.

Nudge: The entropy has two terms. What is 0 log 0, and what does the computer make of it?

Sketch: The loss of logits, minus the mean over all entries of the entropy; torch.special has a function for -x log x
that is right at 0.

Why: target.log() is minus infinity for a target of 0, and 0 times that is NaN. The entropy does not depend on the
logits, so the gradient is that of the loss.
"""

import torch
import torch.nn.functional as F

from .._draw import real, share
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 12
TAKES = {"logits": real("..."), "target": share("...")}
GRADIENTS = ["logits"]
ABSOLUTE = 3e-9  # F.softplus is the identity from 20 on
SLOPE_SIZE = 1.0
AT = {
    "a perfect model": {"logits": [-1.0986122886681098, 0.0, 1.0986122886681098], "target": [0.25, 0.5, 0.75]},
    "hard targets": {"logits": [3.0, -2.0, 1e4, -1e4], "target": [1.0, 0.0, 1.0, 0.0]},
}


def above_the_floor(logits, target):
    entropy = torch.special.entr(target) + torch.special.entr(1 - target)
    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()


def size(logits, target):
    return 1 + largest(logits)


def exact(logits, target):
    loss = -target * F.logsigmoid(logits) - (1 - target) * F.logsigmoid(-logits)
    return (loss - torch.special.entr(target) - torch.special.entr(1 - target)).mean()


def right_xlogy(logits, target):
    entropy = -torch.xlogy(target, target) - torch.xlogy(1 - target, 1 - target)
    return (F.softplus(logits) - target * logits - entropy).mean()


def right_each_minus_its_own(logits, target):
    each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each - torch.special.entr(target) - torch.special.entr(1 - target)).mean()


def wrong_0_log_0_is_nan(logits, target):
    entropy = -(target * target.log() + (1 - target) * (1 - target).log())
    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()


def wrong_half_of_the_entropy(logits, target):
    entropy = torch.special.entr(target)
    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()


def wrong_the_loss_as_it_is(logits, target):
    return F.binary_cross_entropy_with_logits(logits, target)


def wrong_sums(logits, target):
    entropy = torch.special.entr(target) + torch.special.entr(1 - target)
    return F.binary_cross_entropy_with_logits(logits, target, reduction="sum") - entropy.sum()


def wrong_through_the_probability(logits, target):
    """Refused by: scales."""
    entropy = torch.special.entr(target) + torch.special.entr(1 - target)
    return F.binary_cross_entropy(logits.sigmoid(), target) - entropy.mean()


def wrong_the_entropy_of_the_model(logits, target):
    p = logits.sigmoid()
    entropy = torch.special.entr(p) + torch.special.entr(1 - p)
    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()


def wrong_epsilon(logits, target):
    entropy = -(target * (target + 1e-8).log() + (1 - target) * (1 - target + 1e-8).log())
    return F.binary_cross_entropy_with_logits(logits, target) - entropy.mean()
