r"""Log-sum-exp along a dimension.

Write it for any `dim`, without `torch.logsumexp`.
Logits may be of any size, a row may contain $-\infty$, and a row of nothing but $-\infty$ gives $-\infty$.

Nudge: Which number may you subtract from all logits of a row, and what if that number is -inf?

Sketch: Subtract the maximum of each row, limited to finite numbers, and add it back at the end.

Why: exp overflows at 709 in float64 and at 88 in float32. One maximum for the whole tensor makes the rows far below it
vanish, and a maximum of -inf gives -inf - -inf = NaN, one of inf likewise, so it is limited to a finite number.
"""

import math

import torch

from .._draw import dim_of, real
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 15
TAKES = {"input": real("..."), "dim": dim_of()}
WITHOUT = ["logsumexp"]
GRADIENTS = ["input"]
AT = {
    "rows far apart": {"input": [[1000.0, 999.0], [-1000.0, -1001.0]], "dim": 1},
    "-inf": {"input": [[0.0, -math.inf, 0.0], [-math.inf, -math.inf, -math.inf]], "dim": 1},
}


def log_sum_exp(input, dim):
    finite = torch.finfo(input.dtype).max
    largest = input.detach().amax(dim, keepdim=True).clamp(-finite, finite)
    return (input - largest).exp().sum(dim).log() + largest.squeeze(dim)


def size(input, dim):
    return 1 + largest(input)


slope_size = size


def exact(input, dim):
    return torch.logsumexp(input, dim)


def right_where_infinite(input, dim):
    largest = input.detach().amax(dim, keepdim=True)
    largest = torch.where(largest.isinf(), torch.zeros_like(largest), largest)
    return ((input - largest).exp().sum(dim, keepdim=True).log() + largest).squeeze(dim)


def right_nan_to_num(input, dim):
    with torch.no_grad():
        largest = input.max(dim, keepdim=True).values.nan_to_num()
    return torch.exp(input - largest).sum(dim).log() + largest.squeeze(dim)


def wrong_textbook(input, dim):
    """Refused by: rows far apart."""
    return input.exp().sum(dim).log()


def wrong_one_maximum_for_all(input, dim):
    """Refused by: rows far apart."""
    return (input - input.max()).exp().sum(dim).log() + input.max()


def wrong_not_added_back(input, dim):
    return (input - input.amax(dim, keepdim=True)).exp().sum(dim).log()


def wrong_inf_inf(input, dim):
    """Refused by: -inf."""
    largest = input.amax(dim, keepdim=True)
    return (input - largest).exp().sum(dim).log() + largest.squeeze(dim)


def wrong_clamped(input, dim):
    """Refused by: rows far apart."""
    return input.clamp(max=700).exp().sum(dim).log()


def wrong_epsilon(input, dim):
    return (input.exp().sum(dim) + 1e-9).log()
