"""Cross entropy of logits that are sums of products, one for each class."""

import torch

from oracles import Bad, Case, Known, cross_entropy as of_logits, fixed
from oracles.nll import WEIGHT, labels


def oracle(input, linear_weight, target, *, linear_bias=None, **settings):
    return of_logits.oracle(*logits_and_target(input, linear_weight, target, linear_bias), **known(settings))


def count(input, linear_weight, target, *, linear_bias=None, **settings):
    return of_logits.count(*logits_and_target(input, linear_weight, target, linear_bias), **known(settings))


def known(settings):
    return {name: value for name, value in settings.items() if value is not None}


def logits_and_target(input, linear_weight, target, linear_bias):
    if isinstance(input[0], list) and isinstance(
        input[0][0], list
    ):  # (batch, time, features): one sample for each time
        input = [features for sequence in input for features in sequence]
        target = [wanted for sequence in target for wanted in sequence]
    if not isinstance(input[0], list):
        return mapped(linear_weight, linear_bias, input), target
    return [mapped(linear_weight, linear_bias, features) for features in input], target


def mapped(weight, bias, features):
    if isinstance(weight[0], list):
        return [mapped(w, None if bias is None else bias[i], features) for i, w in enumerate(weight)]
    return sum(w * h for w, h in zip(weight, features, strict=True)) + (0 if bias is None else bias)


def features(*shape, out_features=(), soft=False):
    """Features, a linear map to 3 classes, and targets."""

    def draw(rng, scale):
        normal = {"generator": rng, "dtype": torch.double}
        input = scale * torch.randn(*shape, **normal)
        linear_weight = torch.randn(3, *out_features, shape[-1], **normal)
        if soft:
            sizes, dim = ((*shape[:-1], 3), -1) if not out_features else ((shape[0], 3, *out_features), 1)
            return input, linear_weight, torch.randn(*sizes, **normal).softmax(dim)
        return input, linear_weight, labels(rng, *shape[:-1], *out_features)

    return draw


BIAS = torch.tensor([0.5, -1.0, 2.0], dtype=torch.double)
WIDE_BIAS = BIAS[:, None] * torch.tensor([1.0, -2.0], dtype=torch.double)
EVERYTHING = {"linear_bias": BIAS, "weight": WEIGHT, "ignore_index": 2, "label_smoothing": 0.2}
CASES = [
    Case("index", features(5, 4)),
    Case("bias", features(5, 4), {"linear_bias": BIAS}),
    Case("weight", features(5, 4), {"weight": WEIGHT}),
    Case("ignore", features(5, 4), {"ignore_index": 1}),
    Case("no index ignored", features(5, 4), {"ignore_index": None}),
    Case("smoothing", features(5, 4), {"label_smoothing": 0.1}),
    Case("everything", features(6, 4), EVERYTHING),
    Case("one sample", features(4), {"linear_bias": BIAS, "weight": WEIGHT}),
    Case("probabilities", features(5, 4, soft=True), {"weight": WEIGHT, "label_smoothing": 0.1}),
    Case("one sample of probabilities", features(4, soft=True)),
    Case("two losses", features(5, 4, out_features=(2,)), {**EVERYTHING, "linear_bias": WIDE_BIAS}),
    Case("six losses", features(5, 4, out_features=(2, 3)), {"weight": WEIGHT}),
    Case("two losses of probabilities", features(5, 4, out_features=(2,), soft=True), {"label_smoothing": 0.1}),
    Case("sequence", features(2, 3, 4), EVERYTHING),
    Case("sequence of probabilities", features(2, 3, 4, soft=True), {"weight": WEIGHT}),
    Case("softcap", features(5, 4), {"linear_bias": BIAS, "softcap": 2.0}),
    Case("z", features(6, 4), {**EVERYTHING, "z_loss": 0.5}),
    Case("softcap and z of a sequence", features(2, 3, 4), {**EVERYTHING, "softcap": 2.0, "z_loss": 0.5}),
    Case("softcap and z of probabilities", features(5, 4, soft=True), {"softcap": 2.0, "z_loss": 0.5}),
    Case("softcap and z of two losses", features(5, 4, out_features=(2,)), {"softcap": 2.0, "z_loss": 0.5}),
]
GRADIENTS = (0, 1, 2)
BATCH_DIMS = (0, None, 0)


def TWIN_DIFFERS(case, reduction):  # noqa: N802
    if case.name.startswith("sequence"):  # torch takes no more than two axes
        return True
    return "softcap" in case.settings or "z_loss" in case.settings  # torch has neither


MAP = torch.tensor([[0.0, 1.0], [1.0, 0.0]])
EXTREMES = [
    Case("far", fixed(torch.tensor([[1e4, 0.0], [0.0, 1e4]]), MAP, torch.tensor([0, 0]))),
    Case(
        "masked class and ignored row",
        fixed(torch.tensor([[1.0, 2.0], [1.0, 2.0]]), MAP, torch.tensor([1, -100])),
        {"linear_bias": torch.tensor([-torch.inf, 0.0])},
    ),
    Case(
        "far and capped, with z",
        fixed(torch.tensor([[1e4, 0.0], [0.0, 1e4]]), MAP, torch.tensor([0, 0])),
        {"softcap": 30.0, "z_loss": 1e-4},
    ),
]
TABLE = [
    Known((torch.tensor([[1.0, 2.0]]), MAP, torch.tensor([0])), [0.313262], "logits 2 and 1: log(1 + 1/e)"),
    Known((torch.zeros(1, 2), MAP, torch.tensor([1])), [0.693147], "chance level: log 2"),
]
LAWS = ("nonnegative",)


def change(place, edit):
    """Change the argument at a place."""
    return lambda args: tuple(edit(a) if i == place else a for i, a in enumerate(args))


BAD = [
    Bad(
        "features", ValueError, r"features last as linear_weight \(3, 4\); got \(5, 2\)", change(0, lambda a: a[:, :2])
    ),
    Bad("transposed", ValueError, r"features last as linear_weight \(4, 3\)", change(1, lambda a: a.T)),
    Bad("flat map", ValueError, r"linear_weight must have shape .*; got \(4,\)", change(1, lambda a: a[0])),
    Bad(
        "many losses of one sample",
        ValueError,
        r"input must have shape \(batch, 4\) with linear_weight \(3, 1, 4\); got \(4,\)",
        lambda a: (a[0][0], a[1][:, None], a[2][0]),
    ),
    Bad("column target", ValueError, r"target must have shape \(5,\)", change(2, lambda a: a[:, None])),
    Bad("int32 target", TypeError, "got torch.int32", change(2, lambda a: a.int())),
    Bad(
        "flat target",
        ValueError,
        r"target must have shape \(5, 2\), that of input without features; got \(10,\)",
        lambda a: (a[0][:, None].expand(5, 2, 4), a[1], a[2].repeat(2)),
    ),
    Bad("class 3", ValueError, "class index in 0..2 or ignore_index=-100; got 3", change(2, lambda a: a * 0 + 3)),
    Bad(
        "float map",
        TypeError,
        "dtypes must match: input torch.float64, linear_weight torch.float32",
        change(1, torch.Tensor.float),
    ),
    Bad(
        "bias of shape (2,)",
        ValueError,
        r"linear_bias must have shape \(3,\), one for each logit; got \(2,\)",
        settings={"linear_bias": BIAS[:2]},
        constructor=False,
    ),
    Bad(
        "ignore probabilities",
        ValueError,
        "ignore_index goes with class indices",
        change(2, lambda a: torch.full((5, 3), 1 / 3, dtype=torch.double)),
        {"ignore_index": 1},
    ),
    Bad(
        "smoothing 1.5",
        ValueError,
        "label_smoothing must be between 0 and 1; got 1.5",
        settings={"label_smoothing": 1.5},
        constructor=False,
    ),
    Bad(
        "softcap -1", ValueError, "softcap must be greater than 0; got -1", settings={"softcap": -1}, constructor=False
    ),
    Bad("z_loss nan", ValueError, "z_loss must be finite", settings={"z_loss": float("nan")}, constructor=False),
    Bad(
        "ignore_index text", TypeError, "must be an int; got 'pad'", settings={"ignore_index": "pad"}, constructor=False
    ),
]
