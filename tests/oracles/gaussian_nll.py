"""Minus the logarithm of the Gaussian density, without its constant unless asked for."""

import torch
from mpmath import log, mpf, pi

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target, var, *, full=False, eps=1e-6):
    losses = []
    for x, y, v in zip(flat(input), flat(target), spread(var, input), strict=True):
        v = max(mpf(v), mpf(eps))
        losses.append(log(v) / 2 + (x - y) ** 2 / (2 * v) + (log(2 * pi) / 2 if full else 0))
    return losses


def spread(var, input):
    """Repeat ``var`` over the dimensions that it lacks or where it has one entry."""
    if not isinstance(input, list):
        return [var]
    if not isinstance(var, list):
        var = [var]
    rows = var * len(input) if len(var) == 1 else var
    return [v for row, inner in zip(rows, input, strict=True) for v in spread(row, inner)]


def arguments(*shape, var=None):
    def draw(rng, scale):
        input, target = (scale * torch.randn(*shape, generator=rng, dtype=torch.double) for _ in range(2))
        if isinstance(var, float | int):
            return input, target, var
        size = shape if var is None else var
        return input, target, scale * (torch.rand(size, generator=rng, dtype=torch.double) + 0.1)

    return draw


CASES = [
    Case("one each", arguments(4, 3)),
    Case("full", arguments(4, 3), {"full": True}),
    Case("eps 0.5", arguments(4, 3, var=2.0), {"eps": 0.5}),
    Case("eps 0", arguments(4, 3), {"eps": 0}),
    Case("one a row", arguments(4, 3, var=(4, 1)), {"full": True}),
    Case("one a row, no last dimension", arguments(4, 3, var=(4,))),
    Case("one a channel", arguments(4, 2, 3, var=(4, 1, 3))),
    Case("3-d, no last dimension", arguments(4, 2, 3, var=(4, 2))),
    Case("vector", arguments(4)),
    Case("number", arguments(4, 3, var=0.5)),
    Case("one learned number", arguments(4, 3, var=())),
]


def TWIN_DIFFERS(case, reduction):  # noqa: N802
    return case.name == "one learned number"  # torch refuses it


GRADIENTS = (0, 1, 2)


def constant(input, target, var):
    return fixed(torch.tensor(input), torch.tensor(target), torch.tensor(var))


EXTREMES = [
    Case("far", constant([1e4, -1e4], [-1e4, 1e4], [1.0, 1e4])),
    Case("no variance", constant([1.0, 0.0, 1e4], [0.0, 0.0, -1e4], [0.0, 0.0, 0.0])),
    Case("around eps", constant([0.1, 0.1, 0.1], [0.0, 0.0, 0.0], [9e-7, 1e-6, 1.1e-6])),
    Case("wide", constant([1e4, 0.0], [0.0, 0.0], [1e30, 1e30]), {"full": True}),
    Case("tiny, eps 0", constant([1e-6, 0.0], [0.0, 0.0], [1e-12, 1e-12]), {"eps": 0.0}),
]
one, two, zero = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([0.0])
TABLE = [
    Known((two, zero, torch.tensor([4.0])), [1.1931], "(log 4 + 4 / 4) / 2"),
    Known((two, zero, two), [1.3466], "the standard deviation given as the variance: (log 2 + 4 / 2) / 2"),
    Known((zero, zero, torch.tensor([1e-4])), [-4.6052], "log(1e-4) / 2: negative is legal"),
    Known((zero, zero, torch.tensor([1e-4])), [-3.6862], "and 0.9189 for the constant", {"full": True}),
    Known((two.repeat(2, 1), zero.repeat(2, 1), torch.tensor([[4.0]])), [1.1931] * 2, "one variance for all"),
    Known((two.repeat(2, 2), zero.repeat(2, 2), torch.tensor([[4.0, 2.0]])), [1.1931, 1.3466] * 2, "one a column"),
    Known((one, zero, zero), [499993.09], "torch 2.13 at variance 0: (log 1e-6 + 1e6) / 2"),
]
LAWS = ("minimised by the mean weighted by precision", "minimised by the mean and its squared errors")
size = r"var must be one number or have the shape of input, \(4, 3\), with dimensions replaced by 1 or the last one "
BAD = [
    Bad(
        "negative",
        ValueError,
        r"var must be at least 0; got -1 at index \(0, 0\)",
        lambda a: (a[0], a[1], -torch.ones_like(a[2])),
    ),
    Bad("negative number", ValueError, "var must be at least 0; got -1.0", lambda a: (a[0], a[1], -1.0)),
    Bad(
        "column",
        ValueError,
        r"shapes must match: input \(4, 1\), target \(4,\)",
        lambda a: (a[0][:, :1], a[1][:, 0], a[2][:, 0]),
    ),
    Bad("one var a column", ValueError, size + r"left out; got \(3,\)", lambda a: (a[0], a[1], a[2][0])),
    Bad("too many", ValueError, size + r"left out; got \(4, 3, 1\)", lambda a: (a[0], a[1], a[2].unsqueeze(-1))),
    Bad("integer var", TypeError, "var must be a floating-point tensor", lambda a: (a[0], a[1], a[2].long())),
    Bad("list var", TypeError, r"var must be a number or .*; got \[1.0\]", lambda a: (a[0], a[1], [1.0])),
    Bad("integer target", TypeError, "target must be a floating-point tensor", lambda a: (a[0], a[1].long(), a[2])),
    Bad("full 1", TypeError, "full must be True or False; got 1", settings={"full": 1}),
    Bad("eps -1", ValueError, "eps must be at least 0; got -1", settings={"eps": -1}),
]
