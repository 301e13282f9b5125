"""Van den Oord et al. (2018), equation 4: minus the log of the share that the own key has."""

import torch
from mpmath import exp, log

from oracles import Bad, Case, Known, fixed


def oracle(query, key, *, temperature=0.1):
    losses = []
    for i, own in enumerate(query):
        scores = [exp(inner(own, other) / temperature) for other in key]
        losses.append(-log(scores[i] / sum(scores)))
    return losses


def inner(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def features(*rows):
    """One tensor for each number of rows, with rows of norm about 1."""

    def draw(rng, scale):
        return tuple(scale / 2 * torch.randn(n, 4, generator=rng, dtype=torch.double) for n in rows)

    return draw


def number(value):
    return torch.tensor(value, dtype=torch.double)


CASES = [
    Case("pairs", features(6, 6)),
    Case("more keys", features(5, 9), {"temperature": 0.5}),
    Case("temperature 2", features(6, 6), {"temperature": 2}),
    Case("tensor", features(6, 7), {"temperature": number(0.25)}),
]
COUPLED = True
GRADIENTS = (0, 1)
EYE = torch.eye(3)
EXTREMES = [
    Case("sure and right", fixed(100 * EYE, 100 * EYE), {"temperature": 1.0}),
    Case("sure and wrong", fixed(100 * EYE, -100 * EYE), {"temperature": 1.0}),
    Case("offset", fixed(100 * torch.ones(3, 2), 100 * torch.ones(5, 2)), {"temperature": 1.0}),
    Case("cold", fixed(EYE, EYE.roll(1, 0)), {"temperature": 1e-4}),
    Case("zero features", fixed(0 * EYE, 0 * EYE)),
    Case("one pair", fixed(EYE[:1], EYE[:1])),
]
TABLE = [
    Known((torch.zeros(2, 3), torch.zeros(1000, 3)), [6.907755] * 2, "chance level: log 1000"),
    Known((EYE, EYE), [0.551445] * 3, "orthogonal: log(1 + 2/e)", {"temperature": 1.0}),
    Known((EYE[:1], EYE), [9.0796e-5], "default temperature: log(1 + 2 exp(-10))"),
]
LAWS = ("nonnegative", "convex")


def refused_scalars(name):
    """What no positive number of a contrastive loss may be."""
    return [
        Bad(f"{name} 0", ValueError, f"{name} must be greater than 0; got 0", settings={name: 0}),
        Bad(f"{name} inf", ValueError, f"{name} must be finite; got inf", settings={name: torch.inf}),
        Bad(f"{name} text", TypeError, f"{name} must be a number or .*; got '1'", settings={name: "1"}),
        Bad(f"{name} vector", ValueError, rf"{name} must have shape \(\)", settings={name: torch.ones(2)}),
        Bad(
            f"{name} tensor 0", ValueError, f"{name} must be finite and gr.* got 0", settings={name: torch.tensor(0.0)}
        ),
    ]


BAD = [
    *refused_scalars("temperature"),
    Bad("one query", ValueError, r"query must have shape \(batch, features\); got \(4,\)", lambda a: (a[0][0], a[1])),
    Bad("few keys", ValueError, r"key must have at least .* \(6, 4\), .* got \(5, 4\)", lambda a: (a[0], a[1][:5])),
    Bad("features", ValueError, r"key must .* its features; got \(6, 3\)", lambda a: (a[0], a[1][:, :3])),
    Bad("flat keys", ValueError, r"key must .* got \(24,\)", lambda a: (a[0], a[1].flatten())),
    Bad("integer key", TypeError, "key must be a floating-point tensor", lambda a: (a[0], a[1].long())),
]
