"""The mean over classes of Bishop (2006), equation 4.90, with the probability 1 / (1 + exp(-logit))."""

import torch
from mpmath import exp, log

from oracles import Bad, Case, Known, fixed
from oracles.binary_cross_entropy_with_logits import logits


def oracle(input, target, *, weight=None):
    losses = []
    for scores, wanted in samples(input, target):
        loss = 0
        for c, (score, t) in enumerate(zip(scores, wanted, strict=True)):
            w = 1 if weight is None else weight[c]
            loss += 0 if t == 0 else w * t * log(1 + exp(-score))
            loss += 0 if t == 1 else w * (1 - t) * log(1 + exp(score))
        losses.append(loss / len(scores))
    return losses


def samples(input, target):
    if not isinstance(input[0], list):
        return [(input, target)]
    return [pair for rows in zip(input, target, strict=True) for pair in samples(*rows)]


WEIGHT = torch.tensor([0.5, 2.0, 1.0], dtype=torch.double)
CASES = [
    Case("batch", logits(4, 3)),
    Case("weight", logits(4, 3), {"weight": WEIGHT}),
    Case("sequence", logits(2, 4, 3), {"weight": WEIGHT}),
    Case("one sample", logits(3), {"weight": WEIGHT}),
]
GRADIENTS = (0, 1)
INF = torch.inf
HARD = torch.tensor([[1.0, 0.0, 1.0]])
EXTREMES = [
    Case("hard", fixed(torch.tensor([[0.3, 0.7, -2.0]]), HARD)),
    Case("right", fixed(torch.tensor([[1e4, -1e4, 0.0]]), HARD)),
    Case("wrong", fixed(torch.tensor([[-1e4, 1e4, 0.0]]), HARD)),
    Case("infinite and right", fixed(torch.tensor([[INF, -INF, 0.0]]), HARD)),
]
TABLE = [
    Known((torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0]])), [0.693147], "log 2, whatever the labels"),
    Known((torch.tensor([[20.0, 20.0]]), torch.tensor([[1.0, 0.0]])), [10.0], "half of a wrong logit of 20"),
]
LAWS = ("nonnegative", "convex", "minimised by the logit of the share")
BAD = [
    Bad("class indices", ValueError, r"shapes must match: input \(4, 3\), target \(4,\)", lambda a: (a[0], a[1][:, 0])),
    Bad("padded with -1", ValueError, r"target must be .*; got -1", lambda a: (a[0], a[1] * 0 - 1)),
    Bad("0-d", ValueError, r"input must have shape \(..., classes\)", lambda a: (a[0][0, 0], a[1][0, 0])),
    Bad(
        "weight of samples",
        ValueError,
        r"weight must have shape \(3,\), one for each class; got \(4,\)",
        settings={"weight": torch.ones(4)},
        constructor=False,
    ),
]
