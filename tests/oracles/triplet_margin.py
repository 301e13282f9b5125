"""Balntas et al. (2016): the distance to the positive plus a margin, beyond the distance to the negative."""

import torch
from mpmath import mpf
from torch import tensor

from oracles import Bad, Case, Known, fixed


def oracle(anchor, positive, negative, *, margin=1.0, p=2.0, eps=1e-6, swap=False):
    losses = []
    for a, near, far in zip(vectors(anchor), vectors(positive), vectors(negative), strict=True):
        distance = norm(a, far, p, eps)
        if swap:
            distance = min(distance, norm(near, far, p, eps))
        losses.append(max(mpf(0), margin + norm(a, near, p, eps) - distance))
    return losses


def norm(one, other, p=2.0, eps=1e-6):
    sizes = [abs(a - b + mpf(eps)) for a, b in zip(one, other, strict=True)]
    if p == float("inf"):
        return max(sizes)
    return sum(size ** mpf(p) for size in sizes) ** (1 / mpf(p))


def vectors(nested):
    """The vectors along the last dimension, in row-major order."""
    return [v for inner in nested for v in vectors(inner)] if isinstance(nested[0], list) else [nested]


def triplets(*shape):
    def draw(rng, scale):
        return tuple(scale * torch.randn(shape, generator=rng, dtype=torch.double) for _ in range(3))

    return draw


CASES = [
    Case("batch", triplets(6, 3)),
    Case("margin", triplets(6, 3), {"margin": 0.2}),
    Case("city block", triplets(6, 3), {"p": 1}),
    Case("p 3, swap", triplets(6, 3), {"p": 3.0, "swap": True, "margin": 2}),
    Case("p 0.5", triplets(6, 2), {"p": 0.5}),
    Case("largest component", triplets(6, 3), {"p": torch.inf}),
    Case("swap", triplets(6, 3), {"swap": True}),
    Case("eps 0", triplets(6, 3), {"eps": 0}),
    Case("eps 0.1", triplets(6, 3), {"eps": 0.1, "swap": True}),
    Case("sequence", triplets(2, 3, 2)),
    Case("one triplet", triplets(4)),
]
GRADIENTS = (0, 1, 2)
ROW = tensor([[1.0, 2.0]])
FAR = tensor([[1e4, -1e4]])
EXTREMES = [
    Case("all equal", fixed(ROW, ROW, ROW)),
    Case("all equal, eps 0", fixed(ROW, ROW, ROW), {"eps": 0.0}),
    Case("all equal, city block", fixed(ROW, ROW, ROW), {"eps": 0.0, "p": 1.0}),
    Case("all equal, largest", fixed(ROW, ROW, ROW), {"eps": 0.0, "p": torch.inf, "swap": True}),
    Case("inactive, equal", fixed(ROW, ROW, FAR), {"eps": 0.0}),
    Case("far", fixed(FAR, -FAR, 0 * FAR), {"swap": True}),
    Case("kink", fixed(tensor([[0.0]]), tensor([[1.0]]), tensor([[2.0]])), {"eps": 0.0}),
]
LINE = (tensor([[0.0]]), tensor([[2.0]]), tensor([[3.0]]))
SAME = (torch.zeros(1, 512), torch.zeros(1, 512), tensor([[1.0] + [0.0] * 511]))
TABLE = [
    Known(LINE, [0.0], "a=0, p=2, n=3"),
    Known(LINE, [2.0], "a=0, p=2, n=3: swap", {"swap": True}),
    Known(SAME, [1 + 2.2627e-5 - 0.999999], "a vector of 512 features is 2.3e-5 away from itself"),
]
LAWS = ("nonnegative",)
BAD_TRIPLETS = [
    Bad("margin 0", ValueError, "margin must be greater than 0; got 0", settings={"margin": 0}),
    Bad("margin nan", ValueError, "margin must be finite; got nan", settings={"margin": torch.nan}),
    Bad("swap", TypeError, "swap must be True or False; got 1", settings={"swap": 1}),
    Bad("broadcast", ValueError, r"shapes must match: .* positive \(1, 3\)", lambda a: (a[0], a[1][:1], a[2])),
    Bad("numbers", ValueError, r"anchor must have .* got (\(\)|a 0-d tensor)", lambda a: tuple(x[0, 0] for x in a)),
    Bad("integers", TypeError, "negative must be a floating-point tensor", lambda a: (a[0], a[1], a[2].long())),
]
BAD = [
    *BAD_TRIPLETS,
    Bad("p 0", ValueError, "p must be greater than 0; got 0", settings={"p": 0}),
    Bad("p -inf", ValueError, "p must be finite; got -inf", settings={"p": -torch.inf}),
    Bad("p text", TypeError, "p must be a number; got '2'", settings={"p": "2"}),
    Bad("eps", ValueError, "eps must be at least 0; got -1e-06", settings={"eps": -1e-6}),
]
