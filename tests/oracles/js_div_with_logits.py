"""Agarwal et al. (2024), equation 1, T squared times: two divergences of Kullback and Leibler from the mixture."""

import torch

from oracles import Bad, Case, Known
from oracles.kl_div_with_logits import (
    BAD as BAD_OF_KL,
    EXTREMES as EXTREMES_OF_KL,
    INF,
    constant,
    divergence,
    pair,
    rows,
    softmax,
)


def oracle(input, target, *, temperature=1, beta=0.5):
    losses = []
    for student, teacher in rows(input, target):
        q, p = softmax(student, temperature), softmax(teacher, temperature)
        m = [beta * wanted + (1 - beta) * given for wanted, given in zip(p, q, strict=True)]
        losses.append(temperature**2 * (beta * divergence(p, m) + (1 - beta) * divergence(q, m)))
    return losses


CASES = [
    Case("batch", pair(5, 3)),
    Case("mostly teacher", pair(5, 3), {"beta": 0.9}),
    Case("mostly student", pair(5, 3), {"beta": 0.1, "temperature": 2.0}),
    Case("cold", pair(5, 3), {"temperature": 0.5}),
    Case("one sample", pair(3), {"temperature": 2.0}),
    Case("sequence", pair(2, 3, 4), {"temperature": 2.0, "beta": 0.3}),
    Case("image", pair(2, 3, 2, 4)),
]
GRADIENTS = (0, 1)
EXTREMES = [
    *EXTREMES_OF_KL,
    Case("the student rules a class out", constant([-INF, 2.0, 3.0], [0.0, 2.0, 1.0]), {"temperature": 4.0}),
    Case("each rules out what the other wants", constant([-INF, 0.0, -INF], [0.0, -INF, -INF]), {"beta": 0.9}),
    Case("a small beta", constant([1.0, 2.0, 3.0], [0.0, 2.0, -INF]), {"beta": 1e-6}),
]
TABLE = [
    Known((torch.tensor([[0.0, -INF]]), torch.tensor([[-INF, 0.0]])), [0.693147], "nothing in common: log 2"),
    Known(
        (torch.tensor([[0.0, -INF]]), torch.tensor([[-INF, 0.0]])),
        [1.300332],
        "nothing in common: 4 times the entropy of a tenth and nine tenths, 0.325083",
        {"beta": 0.1, "temperature": 2.0},
    ),
    Known(
        (torch.zeros(1, 2), torch.tensor([[0.0, -INF]])),
        [0.215762],
        "one of two classes: (log 4/3 + (log 2/3 + log 2) / 2) / 2",
    ),
]
LAWS = ("nonnegative", "symmetric", "shift invariant", "gradient rows sum to zero", "class permutation")


def LAW_FAILS(case, law):  # noqa: N802
    return law == "symmetric" and "beta" in case.settings


BAD = [
    *BAD_OF_KL,
    Bad("beta 0", ValueError, "beta must be between 0 and 1, both excluded; got 0", settings={"beta": 0}),
    Bad("beta 1", ValueError, "beta must be between 0 and 1, both excluded; got 1.0", settings={"beta": 1.0}),
    Bad("beta None", TypeError, "beta must be a number; got None", settings={"beta": None}),
]
