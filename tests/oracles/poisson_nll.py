"""Minus the logarithm of the Poisson probability, without log k!, or with torch's approximation of it."""

import torch
from mpmath import exp, log, mpf, pi

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target, *, log_input=True, full=False, eps=1e-8):
    losses = []
    for x, k in zip(flat(input), flat(target), strict=True):
        rate = exp(x) if log_input else x
        shown = exp(x) if log_input else x + mpf(eps)
        loss = rate if k == 0 else rate - k * log(shown)  # rate^0 = 1 for every rate
        if full and k > 1:
            loss += k * log(mpf(k)) - k + log(2 * pi * k) / 2
        losses.append(loss)
    return losses


def log_rates(rng, scale):
    counts = 5 * torch.rand(4, 3, generator=rng, dtype=torch.double) + 0.05
    return scale * torch.randn(4, 3, generator=rng, dtype=torch.double), scale * counts


def rates(rng, scale):
    rate = torch.rand(4, 3, generator=rng, dtype=torch.double) + 0.1
    return scale * rate, log_rates(rng, scale)[1]


def whole(of):
    def draw(rng, scale):
        input, target = of(rng, scale)
        return input, target.long()

    return draw


CASES = [
    Case("log rate", log_rates),
    Case("log rate, full", log_rates, {"full": True}),
    Case("rate", rates, {"log_input": False}),
    Case("rate, full", rates, {"log_input": False, "full": True}),
    Case("rate, eps 0.1", rates, {"log_input": False, "eps": 0.1}),
    Case("rate, eps 0", rates, {"log_input": False, "eps": 0}),
    Case("integer", whole(log_rates)),
    Case("integer, full", whole(log_rates), {"full": True}),
    Case("integer, rate", whole(rates), {"log_input": False}),
]
GRADIENTS = (0, 1)


def integer_logarithm(case, reduction):
    return case.name == "integer, full"  # torch takes the logarithm of an integer in float32 whatever the input is


TWIN_DIFFERS = integer_logarithm


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


EXTREMES = [
    Case("large", constant([80.0, 80.0, -1e4, -1e4], [1e4, 0.0, 1e4, 0.0])),
    Case("nothing counted", constant([0.0, float("-inf"), -1e4], [0.0, 0.0, 0.0]), {"full": True}),
    Case("around 1", constant([0.5, 0.5, 0.5, 0.5], [0.0, 0.5, 1.0, 2.0]), {"full": True}),
    Case("rate 0", constant([0.0, 0.0, 1e4], [0.0, 5.0, 1e4]), {"log_input": False}),
    Case("rate 0, eps 0", constant([0.0, 1e4, 1e4], [0.0, 0.0, 1e4]), {"log_input": False, "eps": 0.0}),
    Case("large counts", constant([1.0, 1e4], [1e6, 1e6]), {"log_input": False, "full": True}),
]
three, five = torch.tensor([3.0]), torch.tensor([5.0])
TABLE = [
    Known((three, five), [5.0855], "exp(3) - 5 * 3"),
    Known((three, five), [-2.4931], "3 - 5 log 3", {"log_input": False}),
    Known((torch.tensor([0.0]), five), [92.1034], "-5 log 1e-8", {"log_input": False}),
    Known(
        (torch.tensor([0.0]), torch.tensor([2.0])),
        [1.6518],
        "1 + Stirling's 0.6518 for 2, pytorch#28575",
        {"full": True},
    ),
    Known((torch.tensor([0.0, 0.0]), torch.tensor([0, 1])), [1.0, 1.0], "no Stirling term up to 1", {"full": True}),
    Known((torch.tensor([89.0]), five), [float("inf")], "exp overflows", {"reduction": "mean"}),
]
LAWS = ("convex", "minimised by the mean", "minimised by the log of the mean")


def LAW_FAILS(case, law):  # noqa: N802
    rate = not case.settings.get("log_input", True)
    return law == ("minimised by the log of the mean" if rate else "minimised by the mean")


BAD = [
    Bad(
        "negative count",
        ValueError,
        r"target must be a count, at least 0; got -1 at index \(0, 0\)",
        lambda a: (a[0], -torch.ones_like(a[1])),
    ),
    Bad(
        "negative integer",
        ValueError,
        r"target must be a count, at least 0; got -2 at index \(0, 0\)",
        lambda a: (a[0], torch.full((4, 3), -2)),
    ),
    Bad(
        "negative rate",
        ValueError,
        r"input must be a rate, at least 0 \(or its logarithm with log_input=True\); "
        r"got -1 at index \(0, 0\)",
        lambda a: (-torch.ones_like(a[0]), a[1]),
        settings={"log_input": False},
    ),
    Bad(
        "bool target",
        TypeError,
        "target must be a floating-point or integer tensor of counts, .*; got torch.bool",
        lambda a: (a[0], a[1] > 1),
    ),
    Bad("integer input", TypeError, "input must be a floating-point tensor", lambda a: (a[0].long(), a[1])),
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("log_input 1", TypeError, "log_input must be True or False; got 1", settings={"log_input": 1}),
    Bad("full None", TypeError, "full must be True or False; got None", settings={"full": None}),
    Bad("eps -1", ValueError, "eps must be at least 0; got -1", settings={"eps": -1}),
]
