"""Herbrich, Graepel and Obermayer (2000): the shortfall of a lead against its margin."""

import torch

from oracles import Bad, Case, Known, fixed, flat


def oracle(input1, input2, target, *, margin=0.0):
    losses = []
    for first, second, label in zip(flat(input1), flat(input2), flat(target), strict=True):
        lead = first - second if label == 1 else second - first
        losses.append(margin - lead if lead < margin else 0 * margin)
    return losses


def signs(rng, *shape):
    """Labels -1 and 1."""
    return 2.0 * torch.randint(2, shape, generator=rng, dtype=torch.double) - 1


def scores(*shape, whole=False):
    def draw(rng, scale):
        first, second = (scale * torch.randn(shape, generator=rng, dtype=torch.double) for _ in range(2))
        target = signs(rng, *shape)
        return first, second, target.long() if whole else target

    return draw


def constant(first, second, target):
    return fixed(torch.tensor(first), torch.tensor(second), torch.tensor(target))


CASES = [
    Case("vector", scores(5)),
    Case("margin", scores(4, 3), {"margin": 0.5}),
    Case("negative margin", scores(4, 3), {"margin": -0.5}),
    Case("integer target", scores(2, 3, 2, whole=True), {"margin": 2}),
    Case("one", scores(), {"margin": 5.0}),
]
GRADIENTS = (0, 1)
EXTREMES = [
    Case("far", constant([1e4, -1e4, 1e30], [-1e4, 1e4, 0.0], [1.0, 1.0, -1.0]), {"margin": 1.0}),
    Case("equal", constant([1e4, 0.0], [1e4, 0.0], [1.0, -1.0])),
    Case("kinks", constant([1.0, 0.0], [0.0, 1.0], [1.0, -1.0]), {"margin": 1.0}),
    Case("certain", constant([torch.inf, 0.0], [0.0, torch.inf], [1.0, -1.0])),
]
HALF = (torch.tensor([2.0]), torch.tensor([1.5]))
TABLE = [
    Known((*HALF, torch.tensor([1.0])), [0.5], "a lead of 0.5 of 1", {"margin": 1.0}),
    Known((*HALF, torch.tensor([-1.0])), [1.5], "behind by 0.5 instead of ahead by 1", {"margin": 1.0}),
    Known((*HALF, torch.tensor([1.0])), [0.0], "ahead"),
]
LAWS = ("nonnegative", "convex", "minimised by a lead of the margin for the majority")


def labels(change):
    return lambda args: (*args[:-1], change(args[-1]))


SIGN = r"target must be -1 or 1, for labels 0 and 1 use 2 \* target - 1; got "
BAD_SIGNS = [
    Bad("labels 0", ValueError, SIGN + "0 at index", labels(torch.zeros_like)),
    Bad("label 0.5", ValueError, SIGN + "0.5|" + SIGN + "-0.5", labels(lambda y: y / 2)),
    Bad("label nan", ValueError, SIGN + "nan", labels(lambda y: y * torch.nan)),
    Bad(
        "bool labels",
        TypeError,
        r"target must be a tensor of -1 and 1 .* 2 \* target.long\(\) - 1 .*; got torch.bool",
        labels(lambda y: y > 0),
    ),
    Bad("label list", TypeError, "target must be a torch.Tensor; got list", labels(torch.Tensor.tolist)),
    Bad("margin inf", ValueError, "margin must be finite; got inf", settings={"margin": torch.inf}),
    Bad("margin text", TypeError, "margin must be a number; got '1'", settings={"margin": "1"}),
]
BAD = [
    *BAD_SIGNS,
    Bad(
        "column",
        ValueError,
        r"shapes must match: input1 \(5,\), input2 \(5, 1\)",
        lambda a: (a[0], a[1][:, None], a[2]),
    ),
    Bad("one label", ValueError, r"shapes must match: .* target \(\)", labels(lambda y: y[0])),
    Bad("integer scores", TypeError, "input2 must be a floating-point tensor", lambda a: (a[0], a[1].long(), a[2])),
]
