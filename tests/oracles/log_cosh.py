"""Saleh and Saleh (2022), the definition in section 1."""

import torch
from mpmath import cosh, log

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target):
    return [log(cosh(x - y)) for x, y in zip(flat(input), flat(target), strict=True)]


def draw(rng, scale):
    return tuple(scale * torch.randn(4, 3, generator=rng, dtype=torch.double) for _ in range(2))


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


CASES = [Case("plain", draw)]
GRADIENTS = (0, 1)
EXTREMES = [
    Case("far", constant([1e4, -1e4, 3e30], [-1e4, 1e4, 0.0])),
    Case("hit", constant([0.0, 1e4], [0.0, 1e4])),
    Case("where the forms meet", constant([1.0, -1.0], [0.0, 0.0])),
]
TABLE = [
    Known((torch.tensor([0.5]), torch.tensor([0.0])), [0.1201145], "log((e^0.5 + e^-0.5) / 2)"),
    Known((torch.tensor([100.0]), torch.tensor([0.0])), [99.306853], "100 - log 2"),
]
LAWS = ("nonnegative", "zero at target", "symmetric", "even", "translation invariant", "convex")
BAD = [
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("integer target", TypeError, "target must be a floating-point tensor", lambda a: (a[0], a[1].long())),
]
