"""A softmax of your own.

Without `torch.softmax`, for any `dim`, and for rows of very different size in one batch.

Nudge: Only differences of logits count. Which number, taken off each row, makes every exponent harmless?

Sketch: Subtract the maximum along dim, keeping the dimension; then exponentials over their sum along dim.

Why: exp overflows from 89 on in float32 and from 710 on in float64. The maximum of the whole batch is not enough: a row
far below it underflows to 0 / 0.
"""

import math

import torch

from .._draw import dim_of, real
from .._exact import largest

KIND = "build"
LEVEL = 1
MINUTES = 8
TAKES = {"x": real("..."), "dim": dim_of()}
WITHOUT = ["softmax", "lossbook"]
GRADIENTS = ["x"]
AT = {
    "rows of very different size": {
        "x": [[5000.0, 5000.0, -math.inf], [0.0, 0.0, 0.0], [-5000.0, -6000.0, -6000.0]],
        "dim": 1,
    },
    "columns of very different size": {"x": [[5000.0, 0.0], [4000.0, 0.0], [-math.inf, 0.0]], "dim": 0},
}


def size(x, dim):
    return torch.softmax(x, dim) * largest(x)  # a rounding of log-sum-exp


def slope_size(x, dim):
    return 1 + largest(x)


def my_softmax(x, dim):
    exponential = torch.exp(x - x.amax(dim, keepdim=True))
    return exponential / exponential.sum(dim, keepdim=True)


def exact(x, dim):
    return torch.softmax(x, dim)


def right_detached_maximum(x, dim):
    e = (x - x.detach().max(dim, keepdim=True).values).exp()
    return e / e.sum(dim=dim, keepdim=True)


def right_normalised_logarithm(x, dim):
    z = x - x.amax(dim, keepdim=True)
    return torch.exp(z - z.exp().sum(dim, keepdim=True).log())


def wrong_naive(x, dim):
    """Refused by: rows of very different size."""
    e = torch.exp(x)
    return e / e.sum(dim, keepdim=True)


def wrong_maximum_of_the_batch(x, dim):
    """Refused by: rows of very different size."""
    e = torch.exp(x - x.max())
    return e / e.sum(dim, keepdim=True)


def wrong_always_the_last_dim(x, dim):
    e = torch.exp(x - x.amax(-1, keepdim=True))
    return e / e.sum(-1, keepdim=True)


def wrong_sum_of_everything(x, dim):
    e = torch.exp(x - x.max())
    return e / e.sum()


def wrong_clamp(x, dim):
    """Refused by: rows of very different size."""
    e = torch.exp(x.clamp(-80, 80))
    return e / e.sum(dim, keepdim=True)


def wrong_torch(x, dim):
    """Refused by: rules."""
    return x.softmax(dim)


def wrong_clamp_below(x, dim):
    """Refused by: rows of very different size."""
    e = torch.exp((x - x.amax(dim, keepdim=True)).clamp(min=-50))
    return e / e.sum(dim, keepdim=True)
