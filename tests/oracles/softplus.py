"""log(1 + exp(beta x)) / beta, and x above torch's threshold."""

import torch
from mpmath import exp, log, mpf

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, *, beta=1.0, threshold=20.0):
    return [x if beta * x > threshold else log(1 + exp(beta * x)) / mpf(beta) for x in flat(input)]


def draw(rng, scale):
    return (scale * torch.randn(4, 3, generator=rng, dtype=torch.double),)


CASES = [
    Case("plain", draw),
    Case("beta 2, threshold 1", draw, {"beta": 2, "threshold": 1}),
    Case("beta 0.25", draw, {"beta": 0.25}),
    Case("threshold -1", draw, {"threshold": -1.0}),
    Case("never linear", draw, {"threshold": 1e9}),
]
EXTREMES = [
    Case("large", fixed(torch.tensor([1e4, -1e4, 3e38, -3e38, 89.0, -89.0]))),
    Case("zero", fixed(torch.tensor([0.0, -0.0]))),
    Case("infinite", fixed(torch.tensor([float("inf"), float("-inf")]))),
    Case("large, never linear", fixed(torch.tensor([1e4, -1e4, 0.0])), {"threshold": 1e9}),
]
TABLE = [
    Known((torch.tensor([3.0]),), [3.0], "linear from beta x = 20 on", {"beta": 10.0}),
    Known((torch.tensor([0.0, 100.0]),), [0.6931472, 100.0], "log 2; log(1 + exp(100)) overflows float32"),
    Known((torch.tensor([100.0]),), [100.0], "no overflow below the threshold either", {"threshold": 1e9}),
]
BAD = [
    Bad(
        "integers",
        TypeError,
        r"input must be a floating-point tensor, for instance input.float\(\); got torch.int64",
        lambda a: (a[0].long(),),
    ),
    Bad("complex", TypeError, "input must be a floating-point tensor", lambda a: (a[0] + 1j,)),
    Bad("beta 0", ValueError, "beta must be greater than 0; got 0", settings={"beta": 0}),
    Bad("beta text", TypeError, "beta must be a number; got '1'", settings={"beta": "1"}),
    Bad("threshold inf", ValueError, "threshold must be finite; got inf", settings={"threshold": float("inf")}),
]
