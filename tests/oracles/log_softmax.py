"""The logarithm of softmax."""

import torch
from mpmath import log

from oracles import Bad, Case, Known, fixed, softmax


def oracle(input, *, dim):
    return [log(probability) for probability in softmax.oracle(input, dim=dim)]


def logits(*shape):
    return lambda rng, scale: (scale * torch.randn(*shape, generator=rng, dtype=torch.double),)


CASES = [
    Case("rows", logits(4, 3), {"dim": -1}),
    Case("middle", logits(2, 3, 4), {"dim": -2}),
    Case("vector", logits(3), {"dim": -1}),
    Case("one class", logits(4, 1), {"dim": -1}),
]
masked = [float("-inf"), 0.0, 1.0]
EXTREMES = [
    Case("large", fixed(torch.tensor([[1e4, 0.0, -1e4], [1e4, 1e4, 1e4], [1e38, 0.0, -1e38]])), {"dim": 1}),
    Case("1e8, equal", fixed(torch.tensor([[1e8, 1e8]])), {"dim": 1}),
    Case("one masked", fixed(torch.tensor([masked, [0.0, 0.0, 0.0]])), {"dim": 1}),
    Case("all but one masked", fixed(torch.tensor([[float("-inf"), -1e4, float("-inf")]])), {"dim": 1}),
    Case("columns", fixed(torch.tensor([[1e4, -200.0], [0.0, 0.0]])), {"dim": 0}),
]
TABLE = [
    Known((torch.tensor([[2.0, 0.0, 0.0]]),), [-0.239545, -2.239545, -2.239545], "-log(1 + 2 / e^2)", {"dim": 1}),
    Known((torch.tensor([[0.0, 200.0]]),), [-200.0, 0.0], "where log(softmax) is -inf, pytorch#2211", {"dim": 1}),
    Known((torch.tensor([[1e8, 1e8]]),), [-0.6931472, -0.6931472], "once 0, pytorch#11752", {"dim": 1}),
]
BAD = [
    Bad("no dim", TypeError, "dim must be given: the dimension of the classes, 1 for", settings={"dim": None}),
    Bad("dim 0.0", TypeError, "dim must be an int; got 0.0", settings={"dim": 0.0}),
    Bad(
        "dim 2",
        ValueError,
        r"dim must be between -2 and 1 for input \(4, 3\); got 2",
        settings={"dim": 2},
        constructor=False,
    ),
    Bad("integers", TypeError, "input must be a floating-point tensor", lambda a: (a[0].long(),)),
    Bad(
        "integer dtype",
        TypeError,
        "dtype must be one of torch.float32, .*; got torch.int64",
        settings={"dtype": torch.int64},
    ),
]
