"""Hastie, Tibshirani and Friedman (2009), equation 10.18: log(1 + exp(-y x))."""

import torch
from mpmath import exp, log

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target):
    return [log(1 + exp(-label * score)) for score, label in zip(flat(input), flat(target), strict=True)]


def signs(rng, *shape):
    """Labels -1 and 1."""
    return 2.0 * torch.randint(2, shape, generator=rng, dtype=torch.double) - 1


def scores(*shape):
    def draw(rng, scale):
        scores = scale * torch.randn(shape, generator=rng, dtype=torch.double)
        if scores.dim():
            scores[0] = 0
        return scores, signs(rng, *shape)

    return draw


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


CASES = [Case("vector", scores(5)), Case("matrix", scores(4, 3)), Case("image", scores(2, 3, 2)), Case("one", scores())]
EXTREMES = [
    Case("wrong", constant([-100.0, 1e4, -1e30], [1.0, -1.0, 1.0])),
    Case("right", constant([100.0, -1e4, torch.inf], [1.0, -1.0, 1.0])),
    Case("zero", constant([0.0, 0.0], [1.0, -1.0])),
]
TABLE = [
    Known((torch.tensor([-100.0]), torch.tensor([1.0])), [100.0], "torch 2.13 gives inf and a NaN gradient"),
    Known((torch.tensor([0.0]), torch.tensor([-1.0])), [0.693147], "log 2"),
]
LAWS = ("nonnegative", "convex", "minimised by the logit of the share")
BAD = [
    Bad("column", ValueError, r"shapes must match: input \(5, 1\), target \(5,\)", lambda a: (a[0][:, None], a[1])),
    Bad(
        "labels 0",
        ValueError,
        r"target must be -1 or 1, .* use 2 \* target - 1; got 0",
        lambda a: (a[0], a[1].abs() * 0),
    ),
    Bad("label 0.5", ValueError, r"target must be -1 or 1, .*; got 0.5", lambda a: (a[0], a[1].abs() / 2)),
]
