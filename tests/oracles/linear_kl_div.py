"""Distillation between logits that are sums of products, one for each class."""

import torch

from oracles import Bad, Case, Known, fixed, kl_div_with_logits as of_logits
from oracles.linear_cross_entropy import BIAS, change


def oracle(input, linear_weight, target_input, target_weight, *, linear_bias=None, target_bias=None, temperature=1):
    student = mapped(linear_weight, linear_bias, input)
    teacher = mapped(target_weight, target_bias, target_input)
    return of_logits.oracle(student, teacher, temperature=temperature)


def mapped(weight, bias, input):
    """Give one row of logits for each row of features, or the logits of one sample."""
    if not isinstance(input[0], list):
        return [
            sum(w * h for w, h in zip(row, input, strict=True)) + (0 if bias is None else bias[label])
            for label, row in enumerate(weight)
        ]
    each = [mapped(weight, bias, features) for features in input]
    return [row for rows in each for row in rows] if isinstance(each[0][0], list) else each


def features(*leading):
    """Features and a linear map to 3 classes, of 4 numbers for the student and of 2 for the teacher."""

    def draw(rng, scale):
        normal = {"generator": rng, "dtype": torch.double}
        input, target_input = (scale * torch.randn(*leading, size, **normal) for size in (4, 2))
        return input, torch.randn(3, 4, **normal) / 2, target_input, torch.randn(3, 2, **normal)

    return draw


BIASES = {"linear_bias": BIAS, "target_bias": -BIAS}
CASES = [
    Case("batch", features(5)),
    Case("biases", features(5), BIASES),
    Case("one bias, warm", features(5), {"target_bias": BIAS, "temperature": 4.0}),
    Case("one sample", features(), {"linear_bias": BIAS, "temperature": 2.0}),
    Case("sequence", features(2, 3), {**BIASES, "temperature": 2.0}),
    Case("image", features(2, 3, 2)),
]
GRADIENTS = (0, 1, 2, 3)
BATCH_DIMS = (0, None, 0, None)
EYE = torch.eye(2)
EXTREMES = [
    Case("far", fixed(torch.tensor([[1e4, 0.0]]), EYE, torch.tensor([[0.0, 1e4]]), EYE)),
    Case(
        "the teacher rules a class out",
        fixed(torch.tensor([[1.0, 2.0]]), EYE, torch.tensor([[1.0, 2.0]]), EYE),
        {"target_bias": torch.tensor([-torch.inf, 0.0])},
    ),
]
TABLE = [
    Known(
        (torch.zeros(1, 2), EYE, torch.tensor([[9 / 16, 0.0]]).log().nan_to_num(neginf=0.0), EYE),
        [0.039729],
        "p = 0.36 and 0.64 of q = 1/2: 0.36 log 0.72 + 0.64 log 1.28",
    ),
]
LAWS = ("nonnegative",)
BAD = [
    Bad(
        "features",
        ValueError,
        r"input must have as many features last as linear_w.* \(3, 4\); got \(5, 2\)",
        change(0, lambda a: a[:, :2]),
    ),
    Bad(
        "features of the teacher",
        ValueError,
        r"target_input must have as many features last as target_weight \(3, 2\); got \(5, 1\)",
        change(2, lambda a: a[:, :1]),
    ),
    Bad("flat map", ValueError, r"target_weight must have shape .*; got \(2,\)", change(3, lambda a: a[0])),
    Bad(
        "map of two losses",
        ValueError,
        r"linear_weight must have shape \(classes, features\); got \(3, 1, 4\)",
        change(1, lambda a: a[:, None]),
    ),
    Bad("classes", ValueError, r"as many classes first; got \(2, 4\) and \(3, 2\)", change(1, lambda a: a[:2])),
    Bad("samples", ValueError, r"same shape without features; got \(4, 4\) and \(5, 2\)", change(0, lambda a: a[:4])),
    Bad(
        "float map",
        TypeError,
        "dtypes must match: target_input torch.float64, target_weight torch.float32",
        change(3, torch.Tensor.float),
    ),
    Bad("integer features", TypeError, "target_input must be a floating-point tensor", change(2, torch.Tensor.long)),
    Bad(
        "bias of shape (2,)",
        ValueError,
        r"target_bias must have shape \(3,\), one for each logit; got \(2,\)",
        settings={"target_bias": BIAS[:2]},
        constructor=False,
    ),
    Bad("temperature -1", ValueError, "temperature must be greater than 0; got -1", settings={"temperature": -1}),
]
