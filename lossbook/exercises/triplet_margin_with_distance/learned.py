r"""What the weights learn.

A distance with weights, $d(u, v) = \sum_k w_k (u_k - v_k)^2$, is to be learned, while the vectors stay as they are.
Return the gradient of the mean triplet loss over N triplets by `weights`, shape (D,), without autograd.

Nudge: How does the loss of one triplet change with one weight, while the triplet costs something?

Sketch: By the square of the way to the positive less that of the way to the negative, in that feature. Add these up
over the triplets that cost something, and divide by N, with all triplets counted.

Why: The loss is linear in the weights, so they decide which triplets cost something and are not in the slope. A feature
in which positives differ as much as negatives gets no pull: that is how noise loses against what tells the kinds apart.
A triplet that costs nothing pulls no weight, and still counts in the mean.
"""

import torch

from ...functional import triplet_margin_with_distance_loss
from .._draw import near, number, positive as above_zero, real
from .._exact import slope

KIND = "derive"
LEVEL = 2
MINUTES = 10
TAKES = {
    "anchor": real("N", "D"),
    "positive": near("anchor", "N", "D", hits=False),
    "negative": near("anchor", "N", "D", hits=False),
    "weights": above_zero("D"),
    "margin": number(0.1, 3),
}
WITHOUT = ["autograd"]
SCALES = (0.1, 1.0, 3.0)
DTYPES = (torch.float64, torch.float32)
LEAST = {"N": 1, "D": 2}
FILLED = ()
SECONDS = 20.0  # a loop over a thousand rows is an honest answer
AT = {
    "one of two costs nothing": {
        "anchor": [[0.0, 0.0], [1.0, 1.0]],
        "positive": [[0.5, 0.0], [1.5, 1.0]],
        "negative": [[0.25, 2.0], [9.0, 9.0]],
        "weights": [4.0, 0.25],
        "margin": 1.0,
    },
}


def size(anchor, positive, negative, weights, margin):
    largest = anchor.abs().amax() + positive.abs().amax() + negative.abs().amax()
    return largest.square() * anchor.new_ones(len(weights))  # squares, one taken off the other, and a mean of them


def weight_pull(anchor, positive, negative, weights, margin):
    closer = (anchor - positive).square() - (anchor - negative).square()
    costs = margin + (closer * weights).sum(1) > 0
    return closer[costs].sum(0) / len(anchor)


def exact(anchor, positive, negative, weights, margin):
    def loss(w):
        return triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=lambda one, other: ((one - other).square() * w).sum(-1),
            margin=margin,
        )

    return slope(loss, weights)


def right_by_a_product(anchor, positive, negative, weights, margin):
    closer = (anchor - positive).square() - (anchor - negative).square()
    return ((closer @ weights + margin > 0).to(closer.dtype) @ closer) / len(anchor)


def right_two_parts(anchor, positive, negative, weights, margin):
    near, far = (anchor - positive).square(), (anchor - negative).square()
    costs = ((far * weights).sum(1) - (near * weights).sum(1) < margin)[:, None]
    return torch.where(costs, near, 0.0).mean(0) - torch.where(costs, far, 0.0).mean(0)


def wrong_weighted_once_more(anchor, positive, negative, weights, margin):
    return weights * weight_pull(anchor, positive, negative, weights, margin)


def wrong_sign(anchor, positive, negative, weights, margin):
    return -weight_pull(anchor, positive, negative, weights, margin)


def wrong_mean_over_those_that_cost(anchor, positive, negative, weights, margin):
    closer = (anchor - positive).square() - (anchor - negative).square()
    costs = margin + (closer * weights).sum(1) > 0
    return closer[costs].sum(0) / costs.sum().clamp(min=1)


def wrong_no_hinge(anchor, positive, negative, weights, margin):
    return ((anchor - positive).square() - (anchor - negative).square()).mean(0)


def wrong_hinge_without_weights(anchor, positive, negative, weights, margin):
    closer = (anchor - positive).square() - (anchor - negative).square()
    return closer[margin + closer.sum(1) > 0].sum(0) / len(anchor)


def wrong_not_squared(anchor, positive, negative, weights, margin):
    closer = (anchor - positive).square() - (anchor - negative).square()
    ways = (anchor - positive).abs() - (anchor - negative).abs()
    return ways[margin + (closer * weights).sum(1) > 0].sum(0) / len(anchor)
