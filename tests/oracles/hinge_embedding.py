"""Hadsell, Chopra and LeCun (2006), equation 4, with linear terms."""

import torch
from torch import tensor

from oracles import Bad, Case, Known, fixed, flat
from oracles.margin_ranking import BAD_SIGNS, labels, signs


def oracle(input, target, *, margin=1.0):
    losses = []
    for distance, label in zip(flat(input), flat(target), strict=True):
        shortfall = margin - distance if distance < margin else 0 * margin
        losses.append(distance if label == 1 else shortfall)
    return losses


def distances(*shape, whole=False):
    def draw(rng, scale):
        distance = scale * torch.randn(shape, generator=rng, dtype=torch.double).abs()
        target = signs(rng, *shape)
        return distance, target.long() if whole else target

    return draw


CASES = [
    Case("vector", distances(5)),
    Case("margin", distances(4, 3), {"margin": 0.3}),
    Case("integer target", distances(2, 3, 2, whole=True), {"margin": 2}),
    Case("negative margin", distances(4), {"margin": -0.5}),
    Case("one", distances()),
]
EXTREMES = [
    Case("far", fixed(tensor([1e4, 1e30, 1e4]), tensor([1.0, 1.0, -1.0]))),
    Case("wide", fixed(tensor([1e4, 0.0]), tensor([-1.0, -1.0])), {"margin": 2e4}),
    Case("equal", fixed(tensor([0.0, 0.0]), tensor([1.0, -1.0]))),
    Case("kink", fixed(tensor([1.0]), tensor([-1.0]))),
    Case("infinitely far", fixed(tensor([torch.inf]), tensor([-1.0]))),
]
TABLE = [
    Known((tensor([5.0, -5.0]), tensor([1, -1])), [5.0, 6.0], "correct scores of a classifier cost 5 and 6"),
    Known((tensor([0.3, 0.3, 2.0]), tensor([1, -1, -1])), [0.3, 0.7, 0.0], "by hand"),
]
LAWS = ("nonnegative", "convex")
BAD = [
    *BAD_SIGNS,
    Bad("column", ValueError, r"shapes must match: input \(5, 1\), target \(5,\)", lambda a: (a[0][:, None], a[1])),
    Bad("one label", ValueError, r"shapes must match: .* target \(\)", labels(lambda y: y[0])),
    Bad("integer distances", TypeError, "input must be a floating-point tensor", lambda a: (a[0].long(), a[1])),
]
