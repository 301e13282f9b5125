"""Hermans et al. (2017), equation 5: the farthest of the own class against the nearest of the others."""

import torch
from mpmath import mpf, sqrt
from torch import tensor

from oracles import Bad, Case, Known, fixed


def oracle(embedding, label, *, margin=0.2):
    losses = []
    for i in range(len(label)):
        near, far = distances(embedding, label, i)
        losses.append(max(mpf(0), margin + max(near) - min(far)) if near and far else mpf(0))
    return losses


def count(embedding, label, *, margin=0.2):
    return [int(all(distances(embedding, label, i))) for i in range(len(label))]


def distances(embedding, label, i):
    """Distances from an anchor to the others of its class, and to the other classes."""
    near, far = [], []
    for j, other in enumerate(embedding):
        distance = sqrt(sum((a - b) ** 2 for a, b in zip(embedding[i], other, strict=True)))
        if label[j] != label[i]:
            far.append(distance)
        elif j != i:
            near.append(distance)
    return near, far


LABEL = tensor([0, 1, 0, 2, 1, 1, 0, 1])  # the sample of class 2 has no positive


def clusters(apart):
    def draw(rng, scale):
        noise = torch.randn(len(LABEL), 3, generator=rng, dtype=torch.double)
        return scale * (noise + apart * LABEL[:, None]), LABEL

    return draw


def one_class(rng, scale):
    return scale * torch.randn(5, 3, generator=rng, dtype=torch.double), tensor([4, 4, 4, 4, -1])


CASES = [
    Case("mixed", clusters(0.0)),
    Case("some apart", clusters(2.0), {"margin": 1.0}),
    Case("apart", clusters(20.0)),
    Case("wide margin", clusters(3.0), {"margin": 5}),
    Case("one of another class", one_class, {"margin": 0.7}),
]
COUPLED = True
POINT = tensor([[1.0, 2.0]])
PAIRED = tensor([0, 0, 1, 1])
EXTREMES = [
    Case("one point", fixed(POINT.expand(4, 2), PAIRED)),
    Case("equal positives", fixed(tensor([[0.0], [0.0], [0.1], [0.1]]), PAIRED)),
    Case("equal negatives", fixed(tensor([[0.0], [1.0], [0.0], [1.0]]), PAIRED)),
    Case("ties", fixed(tensor([[0.0], [1.0], [-1.0], [1.0]]), tensor([0, 1, 1, 1]))),
    Case("far", fixed(tensor([[1e4, -1e4], [-1e4, 1e4], [1e4, 1e4], [0.0, 0.0]]), PAIRED)),
    Case("near each other, far from 0", fixed(tensor([[4096.0], [4096.5], [4096.25], [4097.0]]), PAIRED)),
    Case("kink", fixed(tensor([[0.0], [1.0], [1.5]]), tensor([0, 0, 1])), {"margin": 0.5}),
    Case("no positives", fixed(tensor([[0.0], [1.0]]), tensor([0, 1]))),
    Case("no negatives", fixed(tensor([[0.0], [1.0]]), tensor([0, 0]))),
    Case("one sample", fixed(POINT, tensor([0]))),
]
TABLE = [
    Known(
        (tensor([[0.0], [1.0], [1.5], [9.0]]), tensor([0, 0, 1, 2])),
        [0.0, 0.75, 0.0, 0.0],
        "0.25 + 1 - 0.5 for the second anchor",
        {"margin": 0.25},
    ),
    Known((torch.zeros(4, 2), PAIRED), [0.2] * 4, "collapsed: the margin"),
    Known(
        (tensor([[0.0], [1.0], [1.5], [9.0]]), tensor([0, 0, 1, 2])),
        [0.375],
        "mean over the two anchors that have both",
        {"margin": 0.25, "reduction": "mean"},
    ),
]
LAWS = ("nonnegative",)
BAD = [
    Bad("margin 0", ValueError, "margin must be greater than 0; got 0", settings={"margin": 0}),
    Bad("margin text", TypeError, "margin must be a number; got '1'", settings={"margin": "1"}),
    Bad("one vector", ValueError, r"embedding must have shape .*; got \(3,\)", lambda a: (a[0][0], a[1])),
    Bad("column", ValueError, r"label must have shape \(8,\), .* got \(8, 1\)", lambda a: (a[0], a[1][:, None])),
    Bad(
        "float label",
        TypeError,
        r"label must be an int64 tensor .* label.long\(\); got torch.float32",
        lambda a: (a[0], a[1].float()),
    ),
    Bad("list", TypeError, r"label must be a torch.Tensor; got list", lambda a: (a[0], a[1].tolist())),
    Bad("integers", TypeError, "embedding must be a floating-point tensor", lambda a: (a[0].long(), a[1])),
]
