"""The absolute value of the difference."""

import torch

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target, *, weight=None):
    weights = [1] * len(flat(input)) if weight is None else flat(weight)
    return [w * abs(a - b) for a, b, w in zip(flat(input), flat(target), weights, strict=True)]


def count(input, target, *, weight=None):
    return [1] * len(flat(input)) if weight is None else flat(weight)


def draw(rng, scale):
    return tuple(scale * torch.randn(4, 3, generator=rng, dtype=torch.double) for _ in range(2))


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


CASES = [Case("plain", draw)]
GRADIENTS = (0, 1)
EXTREMES = [
    Case("far", constant([1e4, -1e4, 3e38], [-1e4, 1e4, 0.0])),
    Case("hit", constant([0.0, 1e4, -0.0], [0.0, 1e4, 0.0])),
    Case("infinite", constant([float("inf"), 0.0], [0.0, float("-inf")])),
]
TABLE = [
    Known((torch.tensor([3.7, -2.0]), torch.zeros(2)), [3.7, 2.0], "by hand"),
    Known(
        (torch.tensor([0.1, 5.0, 5.0]), torch.zeros(3)),
        [0.1],
        "weighted mean: 0.1 / (1 + 0 + 0), pytorch#132465",
        {"weight": torch.tensor([1.0, 0.0, 0.0]), "reduction": "mean"},
    ),
    Known(
        (torch.ones(70000, dtype=torch.half), torch.zeros(70000, dtype=torch.half)),
        [1.0],
        "sum above 65504",
        {"reduction": "mean"},
    ),
]
LAWS = (
    "nonnegative",
    "zero at target",
    "symmetric",
    "even",
    "translation invariant",
    "convex",
    "minimised by the median",
)
BAD = [
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad(
        "integer input",
        TypeError,
        r"input must be a floating-point tensor, for instance input.float\(\); got "
        "torch.int64",
        lambda a: (a[0].long(), a[1]),
    ),
    Bad("integer target", TypeError, "target must be a floating-point tensor", lambda a: (a[0], a[1].long())),
    Bad("complex input", TypeError, "input must be a floating-point tensor", lambda a: (a[0] + 1j, a[1])),
    Bad(
        "two weights",
        ValueError,
        "give one of the two, not both",
        constructor=False,
        settings={"weight": torch.ones(4, 3), "sample_weight": torch.ones(4)},
    ),
]
