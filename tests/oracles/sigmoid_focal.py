"""Lin et al. (2017), equation 5, with 1 - p_t as a sum over the two labels so that soft targets have one too."""

import itertools

import torch
from mpmath import exp, log

from oracles import Bad, Case, Known, fixed, flat
from oracles.binary_cross_entropy_with_logits import logits


def oracle(input, target, *, gamma=2, alpha=0.25):
    losses = []
    each = itertools.cycle(flat(alpha) if isinstance(alpha, list) else [alpha])  # from the last axis
    for logit, t, alpha in zip(flat(input), flat(target), each):  # noqa: B905
        cross_entropy = miss = factor = 0
        if t != 0:  # label 1
            cross_entropy += t * log(1 + exp(-logit))
            miss += t / (1 + exp(logit))
            factor += t * (1 if alpha is None else alpha)
        if t != 1:  # label 0
            cross_entropy += (1 - t) * log(1 + exp(logit))
            miss += (1 - t) / (1 + exp(-logit))
            factor += (1 - t) * (1 if alpha is None else 1 - alpha)
        losses.append(0 if factor == 0 else factor * miss**gamma * cross_entropy)
    return losses


def hard(*shape):
    def draw(rng, scale):
        input, target = logits(*shape)(rng, scale)
        return input, target.round()

    return draw


CASES = [
    Case("soft", logits(4, 3)),
    Case("gamma 0", logits(4, 3), {"gamma": 0, "alpha": None}),
    Case("gamma 0.5", logits(4, 3), {"gamma": 0.5}),
    Case("gamma 5", logits(4, 3), {"gamma": 5.0, "alpha": 0.9}),
    Case("no alpha", logits(4, 3), {"alpha": None}),
    Case("alpha of classes", logits(4, 3), {"alpha": torch.tensor([0.1, 0.5, 1.0], dtype=torch.double)}),
    Case("alpha 1", logits(4, 3), {"alpha": 1}),
    Case("image", logits(2, 3, 2, 4), {"gamma": 1.5}),
    Case("one entry", logits()),
]
GRADIENTS = (0, 1)
INF = torch.inf


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


WRONG = constant([1e4, -1e4, -1e30], [0.0, 1.0, 1.0])
RIGHT = constant([40.0, 1e4, -1e4, 100.0, -90.0, 16.0], [1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
EXTREMES = [
    Case("hard", hard(4, 3)),
    Case("hard, gamma 0.5", hard(4, 3), {"gamma": 0.5}),
    Case("right", RIGHT),
    Case("right, gamma 0", RIGHT, {"gamma": 0.0}),
    Case("right, gamma 0.01", RIGHT, {"gamma": 0.01}),
    Case("right, gamma 0.5", RIGHT, {"gamma": 0.5}),
    Case("right, gamma 1", RIGHT, {"gamma": 1.0}),
    Case("wrong", WRONG),
    Case("wrong, gamma 0.5", WRONG, {"gamma": 0.5, "alpha": None}),
    Case("far, soft", constant([1e4, -1e4, 1e4, 1e4], [0.25, 0.75, 0.5, 0.999])),
    Case("infinite and right", constant([INF, -INF], [1.0, 0.0]), {"gamma": 0.5}),
    Case("infinite, wrong and without weight", constant([INF], [0.0]), {"alpha": 1.0}),
]
NINE = torch.tensor([2.1972246])  # the logit of 0.9
ONE, ZERO = torch.ones(1), torch.zeros(1)
TABLE = [
    Known((NINE, ONE), [0.00105361], "p_t 0.9: 100 times less than cross entropy (the paper)", {"alpha": None}),
    Known((NINE, ONE), [0.000263401], "and a quarter of it"),
    Known((NINE, ZERO), [1.398842], "0.75 * 0.9^2 * log 10"),
    Known((ZERO, ONE), [0.17328680], "p_t 0.5: at most 4 times less (the paper)", {"alpha": None}),
    Known(
        (torch.tensor([20.0, -50.0]), torch.tensor([0.0, 1.0])),
        [20.0, 50.0],
        "gamma 0 is binary cross entropy",
        {"gamma": 0.0, "alpha": None},
    ),
    Known((ZERO, ONE / 2), [0.0866434], "a soft target: 0.5 * 0.5^2 * log 2"),
]
LAWS = ("nonnegative", "minimised by the logit of the share")


def LAW_FAILS(case, law):  # noqa: N802
    return law == "minimised by the logit of the share" and case.settings != {"gamma": 0, "alpha": None}


BAD = [
    Bad("gamma -1", ValueError, "gamma must be at least 0; got -1", settings={"gamma": -1}),
    Bad("gamma None", TypeError, "gamma must be a number; got None", settings={"gamma": None}),
    Bad("alpha -1", ValueError, "alpha must be between 0 and 1; got -1", settings={"alpha": -1}),
    Bad("alpha of classes", TypeError, "alpha must be a number or .*; got", settings={"alpha": [0.25, 0.75]}),
    Bad("alpha 2", ValueError, r"alpha must be between 0 and 1; got 2", settings={"alpha": torch.tensor([0.5, 2, 0])}),
    Bad(
        "alpha of samples",
        ValueError,
        r"alpha must broadcast.* to \(4, 3\), .*; got \(4,\)",
        settings={"alpha": torch.ones(4)},
        constructor=False,
    ),
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("target 2", ValueError, r"target must be .*; got 2 at index \(0, 0\)", lambda a: (a[0], a[1] * 0 + 2)),
]
