r"""A log softmax of your own.

Without `torch.log_softmax`, for any `dim`; logits of $10^8$ or $-\infty$, and rows of very different size in one
batch.

Nudge: What is left of log(softmax) when you take the logarithm of the fraction on paper?

Sketch: Subtract the maximum along dim, then the logarithm of the sum of exponentials along dim.

Why: The logarithm of the numerator is the logit itself, so nothing underflows; the maximum keeps the sum between 1 and
the number of classes. Add the maximum back last, as m + log(sum), and 1e8 swallows log 2.
"""

import math

import torch

from .._draw import dim_of, real
from .._exact import largest

KIND = "build"
LEVEL = 1
MINUTES = 8
AFTER = ["softmax.stable"]
TAKES = {"x": real("..."), "dim": dim_of()}
WITHOUT = ["log_softmax", "lossbook"]
GRADIENTS = ["x"]
SIZE = 1.0
AT = {
    "rows of very different size": {"x": [[0.0, 2000.0], [-5000.0, -5000.0], [1e8, 1e8]], "dim": 1},
    "-inf": {"x": [[0.0, -math.inf]], "dim": 1},
}


def slope_size(x, dim):
    return (1 + largest(x)) * x.shape[dim] ** 0.5  # of a sum of what arrives


def my_log_softmax(x, dim):
    x = x - x.amax(dim, keepdim=True)
    return x - x.exp().sum(dim, keepdim=True).log()


def exact(x, dim):
    return torch.log_softmax(x, dim)


def right_logsumexp_of_differences(x, dim):
    z = x - x.amax(dim, keepdim=True)
    return z - torch.logsumexp(z, dim, keepdim=True)


def right_detached_maximum(x, dim):
    with torch.no_grad():
        largest = x.max(dim, keepdim=True).values
    z = x - largest
    return z - torch.exp(z).sum(dim, keepdim=True).log()


def wrong_log_of_softmax(x, dim):
    """Refused by: rows of very different size."""
    return torch.softmax(x, dim).log()


def wrong_epsilon(x, dim):
    return (torch.softmax(x, dim) + 1e-12).log()


def wrong_no_shift(x, dim):
    """Refused by: rows of very different size."""
    return x - x.exp().sum(dim, keepdim=True).log()


def wrong_maximum_of_the_batch(x, dim):
    """Refused by: rows of very different size."""
    x = x - x.max()
    return x - x.exp().sum(dim, keepdim=True).log()


def wrong_always_the_last_dim(x, dim):
    return x - torch.logsumexp(x, -1, keepdim=True)


def wrong_torch(x, dim):
    """Refused by: rules."""
    return torch.nn.functional.log_softmax(x, dim)
