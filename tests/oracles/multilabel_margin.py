"""The sum over pairs of a listed and an unlisted class of max(0, 1 - x_listed + x_unlisted), over the classes."""

import torch
from mpmath import mpf

from oracles import Bad, Case, Known, fixed


def oracle(input, target):
    samples = zip(input, target, strict=True) if isinstance(input[0], list) else [(input, target)]
    losses = []
    for scores, entries in samples:
        listed = entries[: entries.index(-1)] if -1 in entries else entries
        loss = mpf(0)
        for label in listed:
            for other, score in enumerate(scores):
                if other not in listed:
                    loss += max(mpf(0), 1 - scores[label] + score)
        losses.append(loss / len(scores))
    return losses


LISTS = torch.tensor(
    [
        [3, 0, -1, 1, 2],  # entries after the first -1 do not count
        [1, -1, -1, -1, -1],
        [-1, 2, 3, -1, -1],  # nothing listed
        [4, 3, 2, 1, 0],  # everything listed
        [2, 2, 0, -1, -1],  # a class listed twice counts twice
        [0, 1, 2, 4, -1],
    ]
)


def scores(*shape):
    def draw(rng, scale):
        scores = scale * torch.randn(*shape, generator=rng, dtype=torch.double)
        order = torch.randperm(len(LISTS) - 1, generator=rng) + 1
        return scores, LISTS[torch.cat([torch.tensor([0]), order])] if len(shape) > 1 else LISTS[0]

    return draw


CASES = [Case("batch", scores(6, 5)), Case("one sample", scores(5))]
INF = torch.inf


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


EXTREMES = [
    Case("far", constant([[1e4, -1e4, 0.0, 1.0]] * 2, [[1, 3, -1, -1], [0, 2, -1, -1]])),
    Case("far but close", constant([[1e4, 1e4 + 0.5, -1e4, -1e4 + 0.25]], [[0, 2, -1, -1]])),
    Case("own class far above", constant([[1e4, 0.5, 0.25, -1e4]], [[0, 1, -1, -1]])),
    Case("two listed, one far below", constant([[-1e4, -1e4 + 0.3, 1e4, -9990.0]], [[0, 2, -1, -1]])),
    Case("kinks", constant([[0.0, 1.0, 1.0, 2.0]], [[1, 3, -1, -1]])),
    Case("all equal", constant([[0.0, 0.0, 0.0, 0.0]], [[1, 3, -1, -1]])),
    Case("masked classes", constant([[-INF, 0.5, -INF, 1.0]], [[1, -1, -1, -1]])),
    Case("certain classes", constant([[INF, 0.5, INF, 1.0]], [[0, 2, -1, -1]])),
]
SCORES = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
TABLE = [
    Known((SCORES, torch.tensor([[3, 0, -1, 1]])), [0.85], "torch.nn.MultiLabelMarginLoss, its example"),
    Known((SCORES, torch.tensor([[1, 0, 0, 1]])), [2.9], "torch 2.13: 0 and 1 for each class is read as a list"),
    Known((SCORES, torch.tensor([[-1, 3, 0, 1]])), [0.0], "torch 2.13: nothing before the first -1"),
    Known((SCORES, torch.tensor([[3, 3, -1, 1]])), [0.65], "torch 2.13: a class listed twice counts twice"),
]
LAWS = ("nonnegative", "shift invariant", "gradient rows sum to zero", "convex")
BAD = [
    Bad("class 5", ValueError, r"target must be a class index in 0..4 or -1; got 5", lambda a: (a[0], a[1] * 0 + 5)),
    Bad("class -2", ValueError, r"target must be .* got -2 at index \(0, 0\)", lambda a: (a[0], a[1] * 0 - 2)),
    Bad("float target", TypeError, "for instance target.long.*; got torch.float64", lambda a: (a[0], a[1].double())),
    Bad("one index", ValueError, r"shapes must match: input \(6, 5\), target \(6,\)", lambda a: (a[0], a[1][:, 0])),
    Bad("integer input", TypeError, "input must be a floating-point tensor", lambda a: (a[0].long(), a[1])),
    Bad("sequence", ValueError, r"\(batch, classes\); got \(6, 5, 1\)", lambda a: (a[0][..., None], a[1][..., None])),
]
