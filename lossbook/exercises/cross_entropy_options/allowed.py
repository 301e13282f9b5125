"""Smooth over the allowed classes.

Some logits are −inf: these classes are not allowed in that row, and the right class always is.
Return the mean loss with the share `epsilon` spread evenly over the classes that *are* allowed in the row, for index
targets.
Value and gradient have to be finite.

Nudge: Which log-probabilities may the even share touch, and by how many classes is it divided in each row?

Sketch: Take log_softmax, put 0 where the logit is -inf, and mix the right class with the sum over the row, divided by
the number of its allowed classes.

Why: Asking a forbidden class for a share of the probability costs infinity. Multiplying its logarithm by 0 afterwards
gives NaN, so the logarithm is replaced before anything touches it; and a sum over the allowed classes that is divided
by all of them would smooth less than it says.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import Kind, index, normal, number
from .._exact import largest

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["logits_and_overflow.allowed"]


def _some_closed(shape, scale, drawn):
    """Logits of which some are -inf, never that of the right class."""
    right = torch.nn.functional.one_hot(drawn["target"], shape[1]).bool()
    return normal(shape, scale).masked_fill((torch.rand(shape) < 0.3) & ~right, -math.inf)


TAKES = {
    "logits": Kind(_some_closed, ("N", "C"), fill=True),
    "target": index("N", of="C"),
    "epsilon": number(0, 0.9, 0.0),
}
GRADIENTS = ["logits"]


def size(logits, target, epsilon):
    return 1 + largest(logits)


def slope_size(logits, target, epsilon):
    return 1 / max(len(logits), 1)


AT = {
    "one class left": {
        "logits": [[-math.inf, 2.0, -math.inf], [0.5, 1.0, 2.0]],
        "target": [1, 0],
        "epsilon": 0.2,
    }
}


def smoothed_cross_entropy(logits, target, epsilon):
    allowed = logits > -math.inf
    log_q = logits.log_softmax(dim=1).masked_fill(~allowed, 0.0)
    right = log_q.gather(1, target[:, None]).squeeze(1)
    even = log_q.sum(dim=1) / allowed.sum(dim=1)
    return -((1 - epsilon) * right + epsilon * even).mean()


def exact(logits, target, epsilon):
    allowed = logits != -math.inf
    even = allowed.double() / allowed.sum(1, keepdim=True)
    soft = (1 - epsilon) * F.one_hot(target, logits.shape[1]).double() + epsilon * even
    return -(soft * logits.log_softmax(1).masked_fill(~allowed, 0.0)).sum(1).mean()


def right_probability_targets(logits, target, epsilon):
    allowed = logits != -math.inf
    log_q = torch.where(allowed, torch.log_softmax(logits, 1), torch.zeros_like(logits))
    soft = epsilon * allowed.to(logits.dtype) / allowed.sum(1, keepdim=True)
    soft = soft.scatter_add(1, target[:, None], torch.full_like(log_q[:, :1], 1 - epsilon))
    return -(soft * log_q).sum(1).mean()


def right_nll_plus(logits, target, epsilon):
    log_q = F.log_softmax(logits, dim=1)
    open_ = torch.isfinite(logits)
    even = log_q.masked_fill(~open_, 0).sum(1) / open_.sum(1)
    return (1 - epsilon) * F.nll_loss(log_q, target) - epsilon * even.mean()


def wrong_torch(logits, target, epsilon):
    return F.cross_entropy(logits, target, label_smoothing=epsilon)


def wrong_a_large_negative_number(logits, target, epsilon):
    return F.cross_entropy(logits.clamp(min=-1e9), target, label_smoothing=epsilon)


def wrong_divided_by_all_classes(logits, target, epsilon):
    log_q = logits.log_softmax(1).masked_fill(logits == -math.inf, 0)
    right = log_q.gather(1, target[:, None]).squeeze(1)
    return -((1 - epsilon) * right + epsilon * log_q.mean(1)).mean()


def wrong_multiplied_by_the_mask(logits, target, epsilon):
    allowed = (logits > -math.inf).double()
    log_q = logits.log_softmax(1)
    right = log_q.gather(1, target[:, None]).squeeze(1)
    even = (log_q * allowed).sum(1) / allowed.sum(1)
    return -((1 - epsilon) * right + epsilon * even).mean()


def wrong_only_the_wrong_classes(logits, target, epsilon):
    allowed = logits > -math.inf
    log_q = logits.log_softmax(1).masked_fill(~allowed, 0)
    right = log_q.gather(1, target[:, None]).squeeze(1)
    even = (log_q.sum(1) - right) / (allowed.sum(1) - 1)
    return -((1 - epsilon) * right + epsilon * even).mean()


def wrong_masked_before_the_softmax(logits, target, epsilon):
    allowed = logits > -math.inf
    log_q = logits.masked_fill(~allowed, 0).log_softmax(1) * allowed
    right = log_q.gather(1, target[:, None]).squeeze(1)
    even = log_q.sum(1) / allowed.sum(1)
    return -((1 - epsilon) * right + epsilon * even).mean()
