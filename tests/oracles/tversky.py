"""Salehi et al. (2017): the share of what is rightly given, where each kind of mistake has its price."""

from mpmath import mpf

from oracles import Bad, Case, Known, dice
from oracles.dice import NOT_SMOOTH, SOFTMAX, halves, labels, masks, shares

ALPHA, BETA = mpf(0.3), mpf(0.7)


def oracle(input, target, *, alpha=ALPHA, beta=BETA, smooth=1, activation="sigmoid", ignore_index=-100):
    losses = []
    for pixels in masks(input, target, activation, ignore_index):
        given = sum((p * t for p, t in pixels), mpf(0))
        extra = sum(p * (1 - t) for p, t in pixels)
        missed = sum((1 - p) * t for p, t in pixels)
        below = given + alpha * extra + beta * missed + smooth
        losses.append(1 - (given + smooth) / below if below else mpf(0))
    return losses


CASES = [
    Case("masks", shares(3, 2, 4)),
    Case("prices", shares(3, 2, 4), {"alpha": 0.9, "beta": 0.1}),
    Case("not smooth", shares(3, 2, 4), {"smooth": 0}),
    Case("one mistake is free", shares(3, 2, 4), {"alpha": 0, "smooth": 0}),
    Case("image, smoother", shares(2, 3, 2, 3), {"beta": 2.0, "smooth": 5.0}),
    Case("one class", shares(3, 1, 2, 2), {"smooth": 1e-5}),
    Case("volume", shares(2, 2, 2, 2, 2)),
    Case("softmax", shares(3, 3, 4), SOFTMAX),
    Case("index", labels(3, 3, 4), SOFTMAX),
    Case("index of an image, ignored", labels(2, 3, 2, 4), {**SOFTMAX, "ignore_index": 1, "alpha": 0.5}),
]
GRADIENTS = dice.GRADIENTS
EXTREMES = dice.EXTREMES
TABLE = [
    Known(halves(1.0, 1.0, 0.0, 0.0), [1 / 3], "1 - 2 / (1 + 0.3 + 0.7 + 1)"),
    Known(halves(1.0, 1.0, 0.0, 0.0), [0.5], "1 - 1 / 2", NOT_SMOOTH),
    Known(
        halves(1.0, 1.0, 0.0, 0.0), [1 - 1 / 3], "the Jaccard index of soft masks", {"alpha": 1, "beta": 1, "smooth": 0}
    ),
    Known(halves(1.0, 1.0, 1.0, 1.0), [0.7 / 1.7], "two missed: 1.4 / (2 + 1.4)", NOT_SMOOTH),
    Known(halves(0.0, 0.0, 0.0, 0.0), [0.375], "an empty target: 1 - 1 / (0.3 * 2 + 1)"),
]
LAWS, LAW_FAILS = dice.LAWS, dice.LAW_FAILS
BAD = [
    *dice.BAD,
    Bad("alpha -1", ValueError, "alpha must be at least 0; got -1", settings={"alpha": -1}),
    Bad("beta text", TypeError, "beta must be a number; got '1'", settings={"beta": "1"}),
]
