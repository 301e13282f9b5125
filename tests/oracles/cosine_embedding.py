"""The cosine of two vectors, with torch's 1e-12 added to each squared norm."""

import torch
from mpmath import mpf, sqrt
from torch import tensor

from oracles import Bad, Case, Known, fixed
from oracles.margin_ranking import BAD_SIGNS, labels, signs


def oracle(input1, input2, target, *, margin=0.0):
    if not isinstance(target, list):
        input1, input2, target = [input1], [input2], [target]
    losses = []
    for one, other, label in zip(input1, input2, target, strict=True):
        cosine = dot(one, other) / sqrt((dot(one, one) + mpf("1e-12")) * (dot(other, other) + mpf("1e-12")))
        losses.append(1 - cosine if label == 1 else max(mpf(0), cosine - margin))
    return losses


def dot(one, other):
    return sum((a * b for a, b in zip(one, other, strict=True)), mpf(0))


def pairs(*shape, whole=False):
    def draw(rng, scale):
        one, other = (scale * torch.randn(shape, generator=rng, dtype=torch.double) for _ in range(2))
        target = signs(rng, *shape[:-1])
        return one, other, target.long() if whole else target

    return draw


CASES = [
    Case("batch", pairs(6, 3)),
    Case("margin", pairs(6, 3), {"margin": 0.4}),
    Case("margin -0.5", pairs(6, 3, whole=True), {"margin": -0.5}),
    Case("margin 1", pairs(4, 1), {"margin": 1}),
    Case("one pair", pairs(4)),
]
GRADIENTS = (0, 1)


def both(one, other):
    """The same pair as similar and as dissimilar."""
    return fixed(tensor([one, one]), tensor([other, other]), tensor([1.0, -1.0]))


EXTREMES = [
    Case("zero vector", both([0.0, 0.0], [3.0, 4.0])),
    Case("zero vectors", both([0.0, 0.0], [0.0, 0.0])),
    Case("same direction", both([3.0, 4.0], [6.0, 8.0]), {"margin": 0.5}),
    Case("opposite", both([3.0, 4.0], [-3.0, -4.0]), {"margin": -1.0}),
    Case("orthogonal, at the kink", both([1.0, 0.0], [0.0, 1.0])),
    Case("long", both([1e4, -2e4], [3e4, 1e4])),
    Case("as short as the epsilon", both([1e-6, -2e-6], [3e-7, 1e-6])),
    Case("squares overflow", both([1e20, -2e20], [3e30, 1e37])),
    Case("long and short", both([1e25, 1e25], [1e-7, 0.0])),
    Case("squares underflow", both([1e-30, 2e-30], [1e-25, 0.0])),
]
CORNER = (tensor([[1.0, 0.0]]), tensor([[1.0, 1.0]]))
TABLE = [
    Known((*CORNER, tensor([1.0])), [0.292893], "45 degrees: 1 - sqrt(1/2)"),
    Known((*CORNER, tensor([-1.0])), [0.207107], "45 degrees: sqrt(1/2) - 0.5", {"margin": 0.5}),
]
LAWS = ("nonnegative",)
BAD = [
    *BAD_SIGNS,
    Bad(
        "broadcast",
        ValueError,
        r"shapes must match: input1 \(6, 3\), input2 \(1, 3\)",
        lambda a: (a[0], a[1][:1], a[2]),
    ),
    Bad(
        "three dimensions",
        ValueError,
        r"input1 must have shape .* got \(1, 6, 3\)",
        lambda a: (a[0][None], a[1][None], a[2]),
    ),
    Bad(
        "column target",
        ValueError,
        r"target must have shape \(6,\), one for each pair of vectors; got \(6, 1\)",
        labels(lambda y: y[:, None]),
    ),
    Bad("integer vectors", TypeError, "input1 must be a floating-point tensor", lambda a: (a[0].long(), a[1], a[2])),
]
