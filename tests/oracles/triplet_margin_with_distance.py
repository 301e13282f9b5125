"""Balntas et al. (2016), with distances written twice: in torch for the loss, in mpmath for the oracle."""

import torch
from mpmath import mpf, sqrt
from torch import tensor

from oracles import Bad, Case, Known, fixed, flat
from oracles.triplet_margin import BAD_TRIPLETS, norm, triplets, vectors


def squared(one, other):
    return (one - other).square().sum(-1)


def city_block(one, other):
    """Over everything but the batch."""
    return (one - other).abs().flatten(1).sum(1)


def cosine(one, other):
    return 1 - (one * other).sum(-1) / (one.square().sum(-1) * other.square().sum(-1)).sqrt()


def exact_squared(one, other):
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def exact_city_block(one, other):
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def exact_cosine(one, other):
    dot, *squares = (
        sum(a * b for a, b in zip(u, v, strict=True)) for u, v in ((one, other), (one, one), (other, other))
    )
    return 1 - dot / sqrt(squares[0] * squares[1])


EXACT = {None: norm, squared: exact_squared, city_block: exact_city_block, cosine: exact_cosine}


def oracle(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False):
    distance = EXACT[distance_function]
    parts = [flat(sample) for sample in anchor] if distance_function is city_block else None
    split = vectors if parts is None else lambda batch: [flat(sample) for sample in batch]
    losses = []
    for a, near, far in zip(split(anchor), split(positive), split(negative), strict=True):
        away = min(distance(a, far), distance(near, far)) if swap else distance(a, far)
        losses.append(max(mpf(0), margin + distance(a, near) - away))
    return losses


CASES = [
    Case("Euclidean", triplets(6, 3)),
    Case("Euclidean, swap", triplets(6, 3), {"swap": True, "margin": 2}),
    Case("squared", triplets(6, 3), {"distance_function": squared, "margin": 0.5}),
    Case("city block of images", triplets(4, 2, 2, 3), {"distance_function": city_block, "swap": True}),
    Case("cosine", triplets(6, 3), {"distance_function": cosine, "swap": True, "margin": 0.1}),
    Case("cosine of a sequence", triplets(2, 3, 2), {"distance_function": cosine}),
    Case("one triplet", triplets(4), {"distance_function": squared}),
]
GRADIENTS = (0, 1, 2)
ROW, FAR = tensor([[1.0, 2.0]]), tensor([[1e4, -1e4]])
EXTREMES = [
    Case("all equal", fixed(ROW, ROW, ROW)),
    Case("all equal, squared", fixed(ROW, ROW, ROW), {"distance_function": squared, "swap": True}),
    Case("far", fixed(FAR, -FAR, 0 * FAR), {"swap": True}),
    Case("kink", fixed(tensor([[0.0]]), tensor([[1.0]]), tensor([[2.0]])), {"distance_function": squared, "margin": 3}),
]
LINE = (tensor([[0.0]]), tensor([[2.0]]), tensor([[3.0]]))
TABLE = [
    Known(LINE, [0.0], "a=0, p=2, n=3"),
    Known(LINE, [2.0], "a=0, p=2, n=3: swap", {"swap": True}),
    Known(LINE, [4.0], "1 + 4 - 1: squared, swap", {"swap": True, "distance_function": squared}),
]
LAWS = ("nonnegative",)


def matrix(one, other):
    return torch.cdist(one, other)


def refused(name, found, given):
    match = rf"distance_function must return one distance for each triplet, .*\(6,\) .*\(6, 3\); got {given}"
    return Bad(name, ValueError, match, settings={"distance_function": found}, constructor=False)


BAD = [
    *BAD_TRIPLETS,
    Bad(
        "not callable",
        TypeError,
        "distance_function must be callable or None; got 2",
        settings={"distance_function": 2},
    ),
    refused("matrix", matrix, r"\(6, 6\)"),
    refused("mean over the batch", lambda one, other: (one - other).square().mean(), r"\(\)"),
    refused("for each component", lambda one, other: (one - other).abs(), r"\(6, 3\)"),
    refused("column", lambda one, other: (one - other).norm(dim=-1, keepdim=True), r"\(6, 1\)"),
    Bad(
        "number",
        TypeError,
        "the result of distance_function must be a torch.Tensor; got float",
        settings={"distance_function": lambda one, other: 1.0},
        constructor=False,
    ),
]
