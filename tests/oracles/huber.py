"""Huber (1964), equation 1.2."""

import torch

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target, *, delta=1.0):
    losses = []
    for prediction, observation in zip(flat(input), flat(target), strict=True):
        error = abs(prediction - observation)
        losses.append(error**2 / 2 if error <= delta else delta * error - delta**2 / 2)
    return losses


def draw(rng, scale):
    return tuple(scale * torch.randn(4, 3, generator=rng, dtype=torch.double) for _ in range(2))


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


CASES = [Case(f"delta {delta}", draw, {"delta": delta}) for delta in (1.0, 0.25, 7)]
GRADIENTS = (0, 1)
EXTREMES = [
    Case("far", constant([1e4, -1e4, 3e30], [-1e4, 1e4, 0.0])),
    Case("hit", constant([0.0, 1e4], [0.0, 1e4])),
    Case("kinks", constant([1.0, -1.0], [0.0, 0.0])),
    Case("wide", constant([1e4], [0.0]), {"delta": 1e5}),
]
TABLE = [
    Known((torch.tensor([10.0]), torch.tensor([0.0])), [0.995], "0.1 * (10 - 0.05)", {"delta": 0.1}),
    Known((torch.tensor([10.0]), torch.tensor([0.0])), [37.5], "5 * (10 - 2.5)", {"delta": 5.0}),
]
LAWS = (
    "nonnegative",
    "zero at target",
    "symmetric",
    "even",
    "translation invariant",
    "convex",
    "minimised where the clipped errors cancel",
)
BAD = [
    Bad("delta 0", ValueError, "delta must be greater than 0; got 0", settings={"delta": 0}),
    Bad("delta nan", ValueError, "delta must be finite; got nan", settings={"delta": float("nan")}),
    Bad("delta text", TypeError, "delta must be a number; got '1'", settings={"delta": "1"}),
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("integer target", TypeError, "target must be a floating-point tensor", lambda a: (a[0], a[1].long())),
]
