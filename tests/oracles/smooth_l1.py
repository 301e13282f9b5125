"""Girshick (2015), equation 3, with torch's beta; beta = 0 is the absolute error."""

import torch

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target, *, beta=1.0):
    losses = []
    for prediction, observation in zip(flat(input), flat(target), strict=True):
        error = abs(prediction - observation)
        losses.append(error**2 / (2 * beta) if error < beta else error - beta / 2)
    return losses


def draw(rng, scale):
    return tuple(scale * torch.randn(4, 3, generator=rng, dtype=torch.double) for _ in range(2))


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


CASES = [Case(f"beta {beta}", draw, {"beta": beta}) for beta in (1.0, 0.25, 7, 0.0)]
GRADIENTS = (0, 1)
EXTREMES = [
    Case("far", constant([1e4, -1e4, 3e38], [-1e4, 1e4, 0.0])),
    Case("hit", constant([0.0, 1e4, -0.0], [0.0, 1e4, 0.0])),
    Case("kinks", constant([1.0, -1.0], [0.0, 0.0])),
    Case("wide", constant([1e4, 3e38, 0.0], [0.0, 0.0, 0.0]), {"beta": 1e10}),
    Case("beta 0", constant([1e4, 0.0, -0.0], [-1e4, 0.0, 0.0]), {"beta": 0.0}),
    *(
        Case(f"beta {beta}", constant([1e4, 0.0, 3e38], [-1e4, 0.0, 0.0]), {"beta": beta})
        for beta in (1e-300, 1e-45, 1e-39, 1.2e-38)
    ),
    Case("infinite", constant([float("inf"), 0.0], [0.0, float("-inf")])),
]
TABLE = [
    Known((torch.tensor([10.0]), torch.tensor([0.0])), [9.95], "10 - 0.05", {"beta": 0.1}),
    Known((torch.tensor([10.0]), torch.tensor([0.0])), [7.5], "10 - 2.5", {"beta": 5.0}),
    Known((torch.tensor([3.7]), torch.tensor([0.0])), [3.7], "beta 0 is L1, pytorch#68558", {"beta": 0}),
]
LAWS = (
    "nonnegative",
    "zero at target",
    "symmetric",
    "even",
    "translation invariant",
    "convex",
    "minimised where the clipped errors cancel",
    "minimised by the median",
)


def LAW_FAILS(case, law):  # noqa: N802
    if law == "minimised by the median":
        return case.settings["beta"] > 0
    return law == "minimised where the clipped errors cancel" and case.settings["beta"] == 0


BAD = [
    Bad("beta -1", ValueError, "beta must be at least 0; got -1", settings={"beta": -1}),
    Bad("beta inf", ValueError, "beta must be finite; got inf", settings={"beta": float("inf")}),
    Bad("beta text", TypeError, "beta must be a number; got '1'", settings={"beta": "1"}),
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("integer target", TypeError, "target must be a floating-point tensor", lambda a: (a[0], a[1].long())),
]
