"""The gradient by hand.

Return the gradient of the *mean* loss with respect to the logits, shape (N, C), for index targets.
Autograd is switched off while you are checked.

Nudge: For one sample it is q - p. What is p for an index, and what does the mean do to it?

Sketch: Softmax over dimension 1, minus a one-hot of the target, divided by the number of samples.

Why: The mean divides by N, so the gradient does too; forgetting it is a learning rate that grows with the batch. It is
also why the backward pass of this loss needs no logarithm and cannot overflow.
"""

import torch
import torch.nn.functional as F

from ...functional import cross_entropy
from .._draw import index, real
from .._exact import largest, slope

KIND = "derive"
LEVEL = 2
MINUTES = 10
TAKES = {"logits": real("N", "C"), "target": index("N", of="C")}
WITHOUT = ["autograd"]


def size(logits, target):
    return (1 + largest(logits)) / max(len(logits), 1)


def logit_gradient(logits, target):
    q = logits.softmax(dim=1)
    p = F.one_hot(target, logits.shape[1])
    return (q - p) / len(logits)


def exact(logits, target):
    return slope(lambda z: cross_entropy(z, target), logits) if len(logits) else torch.zeros_like(logits)


def right_scatter(logits, target):
    q = torch.softmax(logits, 1)
    return q.scatter_add(1, target[:, None], -torch.ones_like(q[:, :1])) / max(len(q), 1)


def right_comparison(logits, target):
    q = (logits - logits.logsumexp(1, keepdim=True)).exp()
    hit = target[:, None] == torch.arange(logits.shape[1])
    return (q - hit.to(q.dtype)) / logits.shape[0]


def wrong_gradient_of_the_sum(logits, target):
    return logits.softmax(1) - F.one_hot(target, logits.shape[1])


def wrong_sign(logits, target):
    return (F.one_hot(target, logits.shape[1]) - logits.softmax(1)) / len(logits)


def wrong_divided_by_every_entry(logits, target):
    return (logits.softmax(1) - F.one_hot(target, logits.shape[1])) / logits.numel()


def wrong_softmax_over_the_batch(logits, target):
    return (logits.softmax(0) - F.one_hot(target, logits.shape[1])) / len(logits)


def wrong_exponentials_by_hand(logits, target):
    """Refused by: scales."""
    q = logits.exp() / logits.exp().sum(1, keepdim=True)
    return (q - F.one_hot(target, logits.shape[1])) / len(logits)


def wrong_only_the_right_class(logits, target):
    p = F.one_hot(target, logits.shape[1])
    return (logits.softmax(1) - p) * p / len(logits)


def wrong_logits_overwritten(logits, target):
    """Refused by: nothing changed."""
    logits -= logits.amax(1, keepdim=True)
    q = logits.softmax(1)
    return (q - F.one_hot(target, logits.shape[1])) / len(logits)


def wrong_func_grad(logits, target):
    """Refused by: rules."""
    return torch.func.grad(F.cross_entropy)(logits, target)


def wrong_autograd(logits, target):
    """Refused by: rules."""
    with torch.enable_grad():
        x = logits.detach().requires_grad_()
        return torch.autograd.grad(F.cross_entropy(x, target), x)[0]
