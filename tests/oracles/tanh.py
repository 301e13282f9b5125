"""Sinh over cosh, by mpmath."""

import torch
from mpmath import tanh

from oracles import Bad, Case, Known, fixed, flat


def oracle(input):
    return [tanh(x) for x in flat(input)]


def draw(rng, scale):
    return (scale * torch.randn(4, 3, generator=rng, dtype=torch.double),)


CASES = [Case("plain", draw)]
EXTREMES = [
    Case("large", fixed(torch.tensor([1e4, -1e4, 3e38, -3e38, 89.0, -89.0]))),
    Case("zero", fixed(torch.tensor([0.0, -0.0]))),
    Case("infinite", fixed(torch.tensor([float("inf"), float("-inf")]))),
]
TABLE = [
    Known((torch.tensor([0.0, 1e4, -1e4]),), [0.0, 1.0, -1.0], "by hand"),
    Known((torch.tensor([1.0, -1.0]),), [0.7615942, -0.7615942], "(e - 1 / e) / (e + 1 / e)"),
]
BAD = [
    Bad(
        "integers",
        TypeError,
        r"input must be a floating-point tensor, for instance input.float\(\); got torch.int64",
        lambda a: (a[0].long(),),
    ),
    Bad("complex", TypeError, "input must be a floating-point tensor", lambda a: (a[0] + 1j,)),
]
