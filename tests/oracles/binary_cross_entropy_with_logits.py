"""Bishop (2006), equation 4.90, with the probability 1 / (1 + exp(-logit))."""

import torch
from mpmath import exp, log

from oracles import Bad, Case, Known, fixed, flat
from oracles.binary_cross_entropy import WEIGHT, shares, spread


def oracle(input, target, *, weight=None, pos_weight=None):
    losses = []
    columns = (flat(nested) for nested in (input, target, spread(weight, input), spread(pos_weight, input)))
    for logit, t, w, positive in zip(*columns, strict=True):
        loss = 0
        if t != 0:
            loss += positive * t * log(1 + exp(-logit))
        if t != 1:
            loss += (1 - t) * log(1 + exp(logit))
        losses.append(0 if w == 0 else w * loss)
    return losses


def logits(*shape):
    """Logits, of which the first row is 0, where a stable form may have a kink."""

    def draw(rng, scale):
        scores = scale * torch.randn(shape, generator=rng, dtype=torch.double)
        if scores.dim():
            scores[0] = 0
        return scores, shares(rng, *shape)

    return draw


IMAGE = torch.tensor([0.5, 2.0, 9.0], dtype=torch.double)[:, None, None]
CASES = [
    Case("soft", logits(4, 3)),
    Case("weight", logits(4, 3), {"weight": WEIGHT[1]}),
    Case("pos_weight", logits(4, 3), {"pos_weight": WEIGHT[0]}),
    Case("both weights", logits(4, 3), {"weight": WEIGHT[3:], "pos_weight": WEIGHT[1]}),
    Case("one pos_weight", logits(4, 3), {"pos_weight": torch.tensor(9.0, dtype=torch.double)}),
    Case("image", logits(2, 3, 2, 4), {"pos_weight": IMAGE}),
    Case("one entry", logits()),
]
GRADIENTS = (0, 1)
INF = torch.inf


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


FIVE = {"pos_weight": torch.tensor([5.0])}
EXTREMES = [
    Case("weight of entries", constant([[0.9, -2.0, 0.0]] * 4, [[0.5, 0.0, 1.0]] * 4), {"weight": WEIGHT}),
    Case("weight of rows", constant([[0.9, -2.0, 0.0]] * 4, [[0.5, 0.0, 1.0]] * 4), {"weight": WEIGHT[:, :1]}),
    Case("pos_weight of entries", constant([[0.9, -2.0, 0.0]] * 4, [[0.5, 0.0, 1.0]] * 4), {"pos_weight": WEIGHT}),
    Case("hard", constant([0.3, -0.7, 2.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0, 0.0])),
    Case("hard, pos_weight", constant([0.3, -0.7, 2.0, 0.0, 0.0], [1.0, 0.0, 0.0, 1.0, 0.0]), FIVE),
    Case("right", constant([1e4, -1e4, 100.0], [1.0, 0.0, 1.0])),
    Case("wrong", constant([1e4, -1e4, -1e30], [0.0, 1.0, 1.0])),
    Case("wrong, pos_weight", constant([1e4, -1e4], [0.0, 1.0]), FIVE),
    Case("far, soft", constant([1e4, -1e4, 1e4], [0.25, 0.75, 0.5])),
    Case("infinite and right", constant([INF, -INF], [1.0, 0.0])),
    Case("infinite and masked", constant([INF, -INF], [0.0, 1.0]), {"weight": torch.zeros(1)}),
]
TABLE = [
    Known(
        (torch.tensor([20.0, -50.0]), torch.tensor([0.0, 1.0])),
        [20.0, 50.0],
        "where sigmoid first gives 100 or a dead gradient",
    ),
    Known((torch.tensor([1e4]), torch.tensor([0.0])), [1e4], "linear in a wrong logit"),
    Known((torch.tensor([INF, -INF]), torch.tensor([1.0, 0.0])), [0.0, 0.0], "torch 2.13 gives NaN"),
    Known((torch.tensor([INF, -INF]), torch.tensor([1.0, 0.0])), [0.0, 0.0], "the same with pos_weight", FIVE),
    Known((torch.tensor([0.0]), torch.tensor([1.0])), [6.238325], "9 log 2", {"pos_weight": torch.tensor([9.0])}),
]
LAWS = ("nonnegative", "convex", "minimised by the logit of the share")
BAD = [
    Bad("column", ValueError, r"shapes must match: input \(4, 1\), target \(4,\)", lambda a: (a[0][:, :1], a[1][:, 0])),
    Bad("squeezed", ValueError, r"shapes must match: input \(\), target \(1,\)", lambda a: (a[0][0, 0], a[1][0, :1])),
    Bad("target 2", ValueError, r"target must be .*; got 2 at index \(0, 0\)", lambda a: (a[0], a[1] * 0 + 2)),
    Bad("label -1", ValueError, r"target must be a probability .*; got -1", lambda a: (a[0], a[1] * 0 - 1)),
    Bad(
        "weight of rows",
        ValueError,
        r"weight must broadcast.* to \(4, 3\), one for each entry; got \(4,\)",
        settings={"weight": WEIGHT[:, 0]},
        constructor=False,
    ),
    Bad(
        "pos_weight along width",
        ValueError,
        r"pos_weight must broadcast.* to \(4, 3\), so for images .* use shape \(classes, 1, 1\); got \(4,\)",
        settings={"pos_weight": WEIGHT[:, 0]},
        constructor=False,
    ),
    Bad(
        "pos_weight number",
        TypeError,
        "pos_weight must be a torch.Tensor",
        settings={"pos_weight": 9.0},
        constructor=False,
    ),
]
