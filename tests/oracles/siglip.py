"""Zhai et al. (2023), section 3.2: each pair of the batch by itself, added up over the texts of an image."""

import torch
from mpmath import exp, log

from oracles import Bad, Case, Known, fixed
from oracles.clip import refused_features
from oracles.info_nce import EYE, features, inner, number, refused_scalars


def oracle(image_features, text_features, *, logit_scale=10, logit_bias=-10):
    losses = []
    for i, image in enumerate(image_features):
        loss = 0
        for j, text in enumerate(text_features):
            wanted = 1 if i == j else -1
            loss -= log(1 / (1 + exp(wanted * (-logit_scale * inner(image, text) - logit_bias))))
        losses.append(loss)
    return losses


CASES = [
    Case("default", features(6, 6)),
    Case("scale 1", features(5, 5), {"logit_scale": 1, "logit_bias": 0}),
    Case("scale 3", features(6, 6), {"logit_scale": 3.0, "logit_bias": -1.5}),
    Case("tensors", features(6, 6), {"logit_scale": number(3.0), "logit_bias": number(-2.0)}),
]
COUPLED = True
GRADIENTS = (0, 1)
EXTREMES = [
    Case("sure and right", fixed(100 * EYE, 100 * EYE), {"logit_scale": 1.0, "logit_bias": -100.0}),
    Case("sure and wrong", fixed(100 * EYE, -100 * EYE), {"logit_scale": 1.0}),
    Case("all alike", fixed(100 * torch.ones(3, 2), 100 * torch.ones(3, 2)), {"logit_scale": 1.0}),
    Case("steep", fixed(EYE, EYE.roll(1, 0)), {"logit_scale": 1e4}),
    Case("zero features, bias 0", fixed(0 * EYE, 0 * EYE), {"logit_bias": 0.0}),
    Case("one pair", fixed(EYE[:1], EYE[:1])),
]
TABLE = [
    Known((EYE, EYE), [0.693238] * 3, "orthogonal at the start: log 2 + 2 log(1 + exp(-10))"),
    Known((0 * EYE, 0 * EYE), [2.079442] * 3, "undecided: 3 log 2", {"logit_bias": 0.0}),
    Known((0 * EYE, 0 * EYE), [10.000136] * 3, "every answer no: 10 + 3 log(1 + exp(-10))"),
]
LAWS = ("nonnegative", "convex")
BAD = [
    *refused_scalars("logit_scale"),
    *refused_features(),
    Bad("bias nan", ValueError, "logit_bias must be finite; got nan", settings={"logit_bias": torch.nan}),
    Bad("bias text", TypeError, "logit_bias must be a number or .*; got '0'", settings={"logit_bias": "0"}),
    Bad("bias vector", ValueError, r"logit_bias must have shape \(\)", settings={"logit_bias": torch.zeros(2)}),
    Bad("bias inf", ValueError, "logit_bias must be finite; got inf", settings={"logit_bias": torch.tensor(torch.inf)}),
]
