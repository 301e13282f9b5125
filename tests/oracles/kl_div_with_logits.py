"""Hinton et al. (2015), section 2: T squared times the divergence of Kullback and Leibler (1951) between softmaxes."""

import torch
from mpmath import exp, log, mpf

from oracles import Bad, Case, Known, fixed
from oracles.cross_entropy import depth, each_place

INF = torch.inf


def oracle(input, target, *, temperature=1):
    losses = []
    for student, teacher in rows(input, target):
        q, p = softmax(student, temperature), softmax(teacher, temperature)
        losses.append(temperature**2 * divergence(p, q))
    return losses


def softmax(logits, temperature):
    powers = [exp(logit / temperature) for logit in logits]
    return [power / sum(powers) for power in powers]


def divergence(p, q):
    total = mpf(0)
    for wanted, given in zip(p, q, strict=True):
        if wanted > 0:
            total += wanted * log(wanted / given) if given > 0 else mpf(INF)
    return total


def rows(input, target):
    """Pair the logits of student and teacher for each entry."""
    if depth(input) == 1:
        return [(input, target)]
    return list(zip(each_place(input), each_place(target), strict=True))


def pair(*shape):
    def draw(rng, scale):
        student, teacher = (scale * torch.randn(*shape, generator=rng, dtype=torch.double) for _ in range(2))
        return student, teacher

    return draw


CASES = [
    Case("batch", pair(5, 3)),
    Case("warm", pair(5, 3), {"temperature": 4.0}),
    Case("cold", pair(5, 3), {"temperature": 0.5}),
    Case("one sample", pair(3), {"temperature": 2.0}),
    Case("sequence", pair(2, 3, 4), {"temperature": 2.0}),
    Case("image", pair(2, 3, 2, 4)),
]
GRADIENTS = (0, 1)


def constant(student, teacher):
    return fixed(torch.tensor([student]), torch.tensor([teacher]))


EXTREMES = [
    Case("far", constant([1e4, -1e4, 0.0], [0.0, 1.0, 1e4])),
    Case("far and cold", constant([1e4, -1e4, 0.0], [0.0, 1e3, 1e4]), {"temperature": 0.1}),
    Case("far and warm", constant([1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]), {"temperature": 100.0}),
    Case("offset", constant([1e4, 1e4 + 1], [-1e4, -1e4 + 1])),
    Case("the teacher rules a class out", constant([1.0, 2.0, 3.0], [-INF, 2.0, 1.0]), {"temperature": 4.0}),
    Case("both rule a class out", constant([-INF, 2.0, 3.0], [-INF, 2.0, 1.0]), {"temperature": 4.0}),
    Case("one class left", constant([-INF, 2.0, 3.0], [-INF, -INF, 1.0])),
    Case("equal", constant([1.0, -200.0, 30.0], [1.0, -200.0, 30.0])),
]
TABLE = [
    Known((torch.zeros(1, 2), torch.tensor([[0.0, -INF]])), [0.693147], "one of two classes: log 2"),
    Known((torch.zeros(1, 2), torch.tensor([[0.0, -INF]])), [2.772589], "and times 2 squared", {"temperature": 2.0}),
    Known((torch.tensor([[0.0, -INF]]), torch.zeros(1, 2)), [INF], "the student rules out what the teacher does not"),
    Known(
        (torch.zeros(3), torch.tensor([0.36, 0.48, 0.16]).log()),
        [0.0852996],
        "Wikipedia, Kullback-Leibler divergence: KL(P||Q)",
    ),
    Known(
        (torch.zeros(2, 3), torch.tensor([[0.36, 0.48, 0.16]]).log().repeat(2, 1)),
        [0.0852996],
        "mean does not divide by classes",
        {"reduction": "mean"},
    ),
]
LAWS = (
    "nonnegative",
    "zero at target",
    "shift invariant",
    "gradient rows sum to zero",
    "class permutation",
    "convex",
    "minimised by the log shares",
)
BAD = [
    Bad(
        "classes 2 and 3",
        ValueError,
        r"shapes must match: input \(5, 2\), target \(5, 3\)",
        lambda a: (a[0][:, :2], a[1]),
    ),
    Bad("class index", TypeError, "target must be a floating-point tensor", lambda a: (a[0], a[1].argmax(1))),
    Bad("number", ValueError, r"input must have shape \(classes,\)", lambda a: (a[0][0, 0], a[1][0, 0])),
    Bad("temperature 0", ValueError, "temperature must be greater than 0; got 0", settings={"temperature": 0}),
    Bad("temperature text", TypeError, "temperature must be a number; got 'hot'", settings={"temperature": "hot"}),
    Bad("batchmean", ValueError, "one of 'none', 'mean', 'sum'; got 'batchmean'", settings={"reduction": "batchmean"}),
]
