"""Bishop (2006), equation 4.90: minus the log-likelihood of a Bernoulli; logarithms end at -100 as in torch."""

import torch
from mpmath import exp, log, mpf

from oracles import Bad, Case, Known, fixed, flat


def oracle(input, target, *, weight=None):
    losses = []
    for p, t, w in zip(flat(input), flat(target), flat(spread(weight, input)), strict=True):
        losses.append(-w * (t * floored_log(p) + (1 - t) * floored_log(1 - p)))
    return losses


def floored_log(p):
    return log(p) if p > exp(-100) else mpf(-100)


def spread(weight, like):
    """Repeat a weight to the nested shape of ``like`` as broadcasting does: aligned at the last axis."""
    if weight is None:
        weight = 1
    if not isinstance(like, list):
        return weight
    if depth(weight) < depth(like):
        return [spread(weight, item) for item in like]
    if len(weight) == 1:
        weight = weight * len(like)
    return [spread(w, item) for w, item in zip(weight, like, strict=True)]


def depth(nested):
    return 1 + depth(nested[0]) if isinstance(nested, list) else 0


def shares(rng, *shape):
    """Soft targets away from 0 and 1, so that finite differences stay inside; one is exactly a half."""
    target = 0.01 + 0.98 * torch.rand(shape, generator=rng, dtype=torch.double)
    target[(0,) * target.dim()] = 0.5
    return target


def probabilities(*shape):
    def draw(rng, scale):
        return (scale * torch.randn(shape, generator=rng, dtype=torch.double)).sigmoid(), shares(rng, *shape)

    return draw


WEIGHT = torch.tensor([[0.5, 2.0, 0.0], [1.0, 3.0, 0.1], [0.2, 0.3, 0.4], [5.0, 1.0, 2.0]], dtype=torch.double)
CASES = [
    Case("soft", probabilities(4, 3)),
    Case("weight of columns", probabilities(4, 3), {"weight": WEIGHT[0]}),
    Case("weight of one row", probabilities(4, 3), {"weight": WEIGHT[3:]}),
    Case("one weight", probabilities(4, 3), {"weight": WEIGHT[3, 0]}),
    Case("image", probabilities(2, 3, 2, 4), {"weight": WEIGHT[1][:, None, None]}),
    Case("one entry", probabilities()),
]
GRADIENTS = (0, 1)


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


EXTREMES = [
    Case("weight of entries", constant([[0.9, 0.2, 0.3]] * 4, [[0.5, 0.0, 1.0]] * 4), {"weight": WEIGHT}),
    Case("weight of rows", constant([[0.9, 0.2, 0.3]] * 4, [[0.5, 0.0, 1.0]] * 4), {"weight": WEIGHT[:, :1]}),
    Case("hard", constant([0.9, 0.2, 0.3, 0.6], [1.0, 0.0, 1.0, 0.0])),
    Case("right", constant([0.0, 1.0], [0.0, 1.0])),
    Case("wrong", constant([0.0, 1.0], [1.0, 0.0])),
    Case("edges, soft", constant([0.0, 1.0, 0.0], [0.25, 0.25, 0.5])),
    Case("small", constant([1e-30, 1e-10, 1e-10], [1.0, 0.0, 0.5])),
]
TABLE = [
    Known(
        (torch.tensor([1e-43, 1e-44, 1e-300], dtype=torch.double), torch.ones(3, dtype=torch.double)),
        [99.011159, 100.0, 100.0],
        "43 log 10, then the end at -100",
    ),
    Known((torch.tensor([0.9, 0.1]), torch.ones(2)), [0.105361, 2.302585], "log 10/9 and log 10"),
    Known(
        (torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])), [100.0, 100.0], "torch 2.13: the logarithm ends at -100"
    ),
    Known(
        (torch.tensor([0.0, 0.25, 0.5, 0.9]), torch.tensor([0.0, 0.25, 0.5, 0.9])),
        [0.395141],
        "perfect prediction of soft targets: their mean entropy",
        {"reduction": "mean"},
    ),
]
LAWS = ("nonnegative", "convex", "minimised by the mean")
BAD = [
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("squeezed", ValueError, r"shapes must match: input \(\), target \(1,\)", lambda a: (a[0][0, 0], a[1][0, :1])),
    Bad("logits", ValueError, r"input must be a probability in \[0, 1\]; got 3", lambda a: (a[0] * 0 + 3, a[1])),
    Bad("NaN", ValueError, r"input must be a probability .* got nan", lambda a: (a[0] * torch.nan, a[1])),
    Bad("negative", ValueError, r"target must be a probability .* got -1", lambda a: (a[0], a[1] * 0 - 1)),
    Bad("target 2", ValueError, r"target must be .*; got 2 at index \(0, 0\)", lambda a: (a[0], a[1] * 0 + 2)),
    Bad(
        "weight of rows",
        ValueError,
        r"weight must broadcast, aligned at the last axis, to \(4, 3\), one for each entry; got \(4,\)",
        settings={"weight": WEIGHT[:, 0]},
        constructor=False,
    ),
    Bad(
        "weight of more axes",
        ValueError,
        r"weight must broadcast.*got \(1, 4, 3\)",
        settings={"weight": WEIGHT[None]},
        constructor=False,
    ),
    Bad("weight integers", TypeError, "weight must be a fl", settings={"weight": WEIGHT.long()}, constructor=False),
]
