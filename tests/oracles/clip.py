"""Radford et al. (2021), figure 3: cross entropy over the texts of an image, and over the images of a text."""

import torch
from mpmath import exp, log

from oracles import Bad, Case, Known, fixed
from oracles.info_nce import EYE, features, inner, number, refused_scalars


def oracle(image_features, text_features, *, logit_scale=1 / 0.07):
    losses = []
    for i, (image, text) in enumerate(zip(image_features, text_features, strict=True)):
        of_texts = [exp(logit_scale * inner(image, other)) for other in text_features]
        of_images = [exp(logit_scale * inner(other, text)) for other in image_features]
        losses.append(-(log(of_texts[i] / sum(of_texts)) + log(of_images[i] / sum(of_images))) / 2)
    return losses


CASES = [
    Case("default", features(6, 6)),
    Case("scale 1", features(5, 5), {"logit_scale": 1}),
    Case("scale 5", features(6, 6), {"logit_scale": 5.0}),
    Case("tensor", features(6, 6), {"logit_scale": number(3.0)}),
]
COUPLED = True
GRADIENTS = (0, 1)
EXTREMES = [
    Case("sure and right", fixed(100 * EYE, 100 * EYE), {"logit_scale": 1.0}),
    Case("sure and wrong", fixed(100 * EYE, -100 * EYE), {"logit_scale": 1.0}),
    Case("offset", fixed(100 * torch.ones(3, 2), 100 * torch.ones(3, 2)), {"logit_scale": 1.0}),
    Case("steep", fixed(EYE, EYE.roll(1, 0)), {"logit_scale": 1e4}),
    Case("zero features", fixed(0 * EYE, 0 * EYE)),
    Case("one pair", fixed(EYE[:1], EYE[:1])),
]
TABLE = [
    Known((torch.zeros(1000, 2), torch.zeros(1000, 2)), [6.907755] * 1000, "chance level: log 1000"),
    Known((EYE, EYE), [0.551445] * 3, "orthogonal: log(1 + 2/e)", {"logit_scale": 1.0}),
    Known((EYE[:2], EYE[[0, 0]]), [0.503204, 1.003204], "one text twice", {"logit_scale": 1.0}),
]
LAWS = ("nonnegative", "symmetric", "convex")


def refused_features():
    """What the features of images and texts may not be."""
    return [
        Bad("one image", ValueError, r"image_features must have shape .*; got \(4,\)", lambda a: (a[0][0], a[1])),
        Bad("batch", ValueError, r"match: .* \(6, 4\), text_features \(5, 4\)", lambda a: (a[0], a[1][:5])),
        Bad("features", ValueError, r"match: .* \(6, 4\), text_features \(6, 3\)", lambda a: (a[0], a[1][:, :3])),
        Bad("integers", TypeError, "text_features must be a floating-point tensor", lambda a: (a[0], a[1].long())),
    ]


BAD = [*refused_scalars("logit_scale"), *refused_features()]
