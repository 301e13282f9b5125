"""Weston and Watkins (1999): the shortfalls of the right class against every other, divided by the classes."""

import torch
from mpmath import mpf

from oracles import Bad, Case, Known, fixed
from oracles.nll import WEIGHT, labels, samples


def oracle(input, target, *, p=1, margin=1.0, weight=None):
    losses = []
    for scores, label in samples(input, target):
        loss = mpf(0)
        for other, score in enumerate(scores):
            if other != label and margin - scores[label] + score > 0:
                loss += (margin - scores[label] + score) ** p
        losses.append(loss * (1 if weight is None else weight[label]) / len(scores))
    return losses


def scores(*shape):
    def draw(rng, scale):
        sizes = shape[:1] if len(shape) > 1 else ()
        return scale * torch.randn(*shape, generator=rng, dtype=torch.double), labels(rng, *sizes)

    return draw


CASES = [
    Case("batch", scores(5, 3)),
    Case("squared", scores(5, 3), {"p": 2}),
    Case("margin 0.3", scores(5, 3), {"margin": 0.3}),
    Case("margin -1, squared", scores(5, 3), {"margin": -1, "p": 2}),
    Case("weight", scores(5, 3), {"weight": WEIGHT}),
    Case("everything", scores(5, 3), {"p": 2, "margin": 2.5, "weight": WEIGHT}),
    Case("one sample", scores(3), {"p": 2, "weight": WEIGHT}),
]
INF = torch.inf
ROWS = torch.tensor([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]])
EXTREMES = [
    Case("far", fixed(ROWS, torch.tensor([0, 1]))),
    Case("far, squared", fixed(ROWS, torch.tensor([0, 1])), {"p": 2}),
    Case("kinks", fixed(torch.tensor([[1.0, 0.0, 2.0], [0.0, -1.0, -1.0]]), torch.tensor([0, 0]))),
    Case("masked class", fixed(torch.tensor([[-INF, 0.5, 1.0]]), torch.tensor([1])), {"p": 2}),
    Case("certain class", fixed(torch.tensor([[INF, 0.5, 1.0]]), torch.tensor([0])), {"p": 2}),
]
EQUAL = (torch.zeros(1, 4), torch.tensor([0]))
TABLE = [
    Known(EQUAL, [0.75], "torch 2.13: four equal scores, the divisor is the number of classes"),
    Known(EQUAL, [3.0], "3 * 2 ** 2 / 4", {"p": 2, "margin": 2.0}),
    Known((torch.tensor([[0.1, 0.2, 0.4, 0.8]]), torch.tensor([3])), [0.325], "torch.nn.MultiMarginLoss, its example"),
]
LAWS = ("nonnegative", "shift invariant", "gradient rows sum to zero", "class permutation", "convex")
BAD = [
    Bad("p 3", ValueError, "p must be one of 1, 2; got 3", settings={"p": 3}),
    Bad("margin inf", ValueError, "margin must be finite; got inf", settings={"margin": INF}),
    Bad("margin text", TypeError, "margin must be a number; got '1'", settings={"margin": "1"}),
    Bad("float target", TypeError, "for instance target.long", lambda a: (a[0], a[1].double())),
    Bad("column target", ValueError, r"target must have shape \(5,\)", lambda a: (a[0], a[1][:, None])),
    Bad("class 3", ValueError, r"target must be a class index in 0..2; got 3", lambda a: (a[0], a[1] * 0 + 3)),
    Bad("class -100", ValueError, r"a class index in 0..2; got -100 at", lambda a: (a[0], a[1] * 0 - 100)),
    Bad("sequence", ValueError, r"\(batch, classes\); got \(5, 3, 1\)", lambda a: (a[0][:, :, None], a[1][:, None])),
    Bad(
        "weight length",
        ValueError,
        r"weight must have shape \(3,\)",
        settings={"weight": WEIGHT[:2]},
        constructor=False,
    ),
]
