"""Bishop (2006), equation 4.108, with the probabilities' logarithms given."""

import math

import torch

from oracles import Bad, Case, Known, fixed


def oracle(input, target, *, weight=None, ignore_index=-100):
    return [
        0 if label == ignore_index else -(1 if weight is None else weight[label]) * scores[label]
        for scores, label in samples(input, target)
    ]


def count(input, target, *, weight=None, ignore_index=-100):
    return [
        0 if label == ignore_index else (1 if weight is None else weight[label]) for _, label in samples(input, target)
    ]


def samples(input, target):
    """Pair each target, in row-major order, with its scores over classes."""
    if not isinstance(target, list):
        return [(input, target)]
    return [pair for scores, labels in zip(input, target, strict=True) for pair in spread(scores, labels)]


def spread(scores, labels):
    if not isinstance(labels, list):
        return [(scores, labels)]
    places = zip(*(row for row in scores), strict=True)
    return [pair for place, label in zip(places, labels, strict=True) for pair in spread(list(place), label)]


def labels(rng, *sizes):
    """Class indices 0..2 in which no class is missing, where there are three entries."""
    return (torch.randperm(math.prod(sizes), generator=rng) % 3).reshape(sizes)


def log_probs(*shape):
    def draw(rng, scale):
        scores = scale * torch.randn(*shape, generator=rng, dtype=torch.double)
        sizes = (shape[0], *shape[2:]) if len(shape) > 1 else ()
        return scores.log_softmax(min(len(shape) - 1, 1)), labels(rng, *sizes)

    return draw


WEIGHT = torch.tensor([0.5, 2.0, 1.0], dtype=torch.double)
CASES = [
    Case("index", log_probs(5, 3)),
    Case("weight", log_probs(5, 3), {"weight": WEIGHT}),
    Case("ignore", log_probs(5, 3), {"ignore_index": 1}),
    Case("weight and ignore", log_probs(6, 3), {"weight": WEIGHT, "ignore_index": 0}),
    Case("one sample", log_probs(3), {"weight": WEIGHT}),
    Case("sequence", log_probs(2, 3, 4), {"weight": WEIGHT, "ignore_index": 2}),
    Case("image", log_probs(2, 3, 2, 4), {"weight": WEIGHT, "ignore_index": 2}),
]
EXTREMES = [
    Case("far", fixed(torch.tensor([[-1e4, 0.0], [0.0, -1e30]]), torch.tensor([0, 1]))),
    Case("-inf elsewhere", fixed(torch.tensor([[-torch.inf, 0.0]]), torch.tensor([1]))),
    Case("-inf and ignored", fixed(torch.tensor([[-torch.inf, 0.0]]), torch.tensor([-100]))),
]
SCORES = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]]).log()
TABLE = [Known((SCORES, torch.tensor([0, 2])), [0.693147, 0.223144], "log 2 and log 1.25")]
LAWS = ("nonnegative", "class permutation", "minimised by the log shares")
BAD = [
    Bad(
        "probabilities",
        ValueError,
        "input must be log-probabilities, at most 0: of logits take",
        lambda a: (a[0].exp(), a[1]),
    ),
    Bad(
        "weight -1",
        ValueError,
        "weight must be finite and at least 0; got -",
        settings={"weight": -WEIGHT},
        constructor=False,
    ),
    Bad(
        "classes last",
        ValueError,
        r"with the classes last use input\.movedim",
        lambda a: (a[0][:, None].expand(5, 2, 3), a[1][:, None].expand(5, 2)),
    ),
    Bad("float target", TypeError, "for instance target.long", lambda a: (a[0], a[1].float())),
    Bad("int32 target", TypeError, "got torch.int32", lambda a: (a[0], a[1].int())),
    Bad("column target", ValueError, r"target must have shape \(5,\), that of input", lambda a: (a[0], a[1][:, None])),
    Bad("class 3", ValueError, r"target must be a class index in 0..2 .*; got 3", lambda a: (a[0], a[1] * 0 + 3)),
    Bad("class -1", ValueError, r"got -1 at index \(0,\)", lambda a: (a[0], a[1] * 0 - 1)),
    Bad("integer input", TypeError, "input must be a floating-point tensor", lambda a: (a[0].long(), a[1])),
    Bad(
        "weight length",
        ValueError,
        r"weight must have shape \(3,\)",
        settings={"weight": WEIGHT[:2]},
        constructor=False,
    ),
    Bad("ignore_index text", TypeError, "ignore_index must be an int; got 'pad'", settings={"ignore_index": "pad"}),
]
