"""Koenker and Bassett (1978): an observation above the prediction costs q a unit, one below it costs 1 - q."""

import torch

from oracles import Bad, Case, Known, fixed, flat
from oracles.binary_cross_entropy import spread


def oracle(input, target, *, quantile=0.5):
    losses = []
    for prediction, observation, q in zip(flat(input), flat(target), flat(spread(quantile, input)), strict=True):
        error = abs(observation - prediction)
        losses.append(q * error if observation > prediction else (1 - q) * error)
    return losses


def pairs(*shape):
    def draw(rng, scale):
        return tuple(scale * torch.randn(shape, generator=rng, dtype=torch.double) for _ in range(2))

    return draw


def constant(input, target):
    return fixed(torch.tensor(input), torch.tensor(target))


THREE = torch.tensor([0.1, 0.5, 0.9], dtype=torch.double)
CASES = [
    Case("median", pairs(4, 3)),
    Case("low", pairs(4, 3), {"quantile": 0.05}),
    Case("high", pairs(4, 2, 3), {"quantile": 0.9}),
    Case("three at once", pairs(4, 3), {"quantile": THREE}),
    Case("channels", pairs(2, 3, 4), {"quantile": THREE[:, None]}),
    Case("one in a tensor", pairs(4, 3), {"quantile": THREE[2]}),
    Case("one entry", pairs(), {"quantile": 0.9}),
]
GRADIENTS = (0, 1)
INF = torch.inf
EXTREMES = [
    Case("far", constant([1e4, -1e4, 3e30], [-1e4, 1e4, 0.0]), {"quantile": 0.9}),
    Case("hit", constant([0.0, 1e4], [0.0, 1e4]), {"quantile": 0.9}),
    Case("infinitely far", constant([0.0, 0.0], [INF, -INF]), {"quantile": 0.9}),
    Case("close to 0 and 1", constant([1.0, -1.0], [0.0, 0.0]), {"quantile": torch.tensor([1e-6, 1 - 1e-6])}),
    Case(
        "one each", constant([[1.0, -1.0]] * 2, [[0.5, 0.0]] * 2), {"quantile": torch.tensor([[0.1, 0.2], [0.7, 0.8]])}
    ),
    Case("one a row", constant([[1.0, -1.0]] * 2, [[0.5, 0.0]] * 2), {"quantile": torch.tensor([[0.1], [0.7]])}),
]
ROW = torch.tensor([1.0, 2.0, 3.0])
TABLE = [
    Known((torch.zeros(2), torch.tensor([1.0, -1.0])), [0.9, 0.1], "0.9 too low, 0.1 too high", {"quantile": 0.9}),
    Known((torch.zeros(2), torch.tensor([10.0, -10.0])), [5.0, 5.0], "the median: half of the absolute error"),
    Known(
        (torch.tensor([0.0, 2.0, 3.0]), ROW),
        [0.0333333],
        "0.1 / 3, example of scikit-learn's mean_pinball_loss",
        {"quantile": 0.1, "reduction": "mean"},
    ),
    Known(
        (torch.tensor([1.0, 2.0, 4.0]), ROW),
        [0.3],
        "0.9 / 3, its second example",
        {"quantile": 0.1, "reduction": "mean"},
    ),
]
LAWS = ("nonnegative", "zero at target", "translation invariant", "convex", "minimised by the quantile")
TAKES = "quantile must be between 0 and 1, both excluded; got "
BAD = [
    Bad("quantile 0", ValueError, TAKES + "0", settings={"quantile": 0}),
    Bad("quantile 1", ValueError, TAKES + "1.0", settings={"quantile": 1.0}),
    Bad("percent", ValueError, TAKES + "90", settings={"quantile": 90}),
    Bad("quantile nan", ValueError, "quantile must be finite; got nan", settings={"quantile": float("nan")}),
    Bad("list", TypeError, r"quantile must be a number or .*; got \[0.1, 0.9\]", settings={"quantile": [0.1, 0.9]}),
    Bad(
        "tensor with 1", ValueError, TAKES + r"1 at index \(1,\)", settings={"quantile": torch.tensor([0.1, 1.0, 0.5])}
    ),
    Bad("integers", TypeError, "quantile must be a floating-point", settings={"quantile": torch.tensor([1, 2, 3])}),
    Bad(
        "two for three",
        ValueError,
        r"quantile must broadcast.* to \(4, 3\), one for each entry; got \(2,\)",
        settings={"quantile": THREE[:2]},
        constructor=False,
    ),
    Bad("column", ValueError, r"shapes must match: input \(4, 3\), target \(4, 1\)", lambda a: (a[0], a[1][:, :1])),
    Bad("integer target", TypeError, "target must be a floating-point tensor", lambda a: (a[0], a[1].long())),
]
