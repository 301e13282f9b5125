"""Who pulls whom.

With the squared distance a triplet costs `margin` plus the squared distance to the positive minus that to the negative,
or 0 if that is less.
Write the gradient of the mean over N triplets for the anchors, the positives and the negatives, three tensors of shape
(N, D), in a few lines and without autograd.

Nudge: What is the slope of a squared distance for the one point, and for the other? Which triplets have a slope at all?

Sketch: Where the loss is above 0, the anchor gets twice the way from the positive to the negative, whatever its own
place; the other two get twice the way between themselves and the anchor. Divide by N, with all triplets counted.

Why: The squares of the anchor cancel, so its pull is 2 (n - p), and the three add up to 0. A triplet that costs nothing
pulls nobody and still counts in the mean. The pull of a positive grows with its distance, where that of a plain
distance is 1.
"""

import torch

from ...functional import triplet_margin_with_distance_loss
from .._draw import Kind, normal, number, real

KIND = "derive"
LEVEL = 1
MINUTES = 8


def _vectors(shape, scale, drawn):
    return normal(shape, scale)


TAKES = {
    "anchor": real("N", "D"),
    "positive": Kind(_vectors, ("N", "D"), any=True),
    "negative": Kind(_vectors, ("N", "D"), any=True),
    "margin": number(0.1, 3),
}
WITHOUT = ["autograd"]
SCALES = (1e-3, 0.1, 1.0, 10.0)
DTYPES = (torch.float64, torch.float32)
LEAST = {"N": 1}
FILLED = ()
AT = {
    "one of two costs nothing": {
        "anchor": [[0.0, 0.0], [1.0, 1.0]],
        "positive": [[0.5, 0.0], [1.5, 1.0]],
        "negative": [[0.25, 0.0], [9.0, 9.0]],
    },
}


def size(anchor, positive, negative, margin):
    largest = anchor.abs().amax() + positive.abs().amax() + negative.abs().amax()
    return 2 * largest / len(anchor)  # an honest form may subtract the anchor first


def pulls(anchor, positive, negative, margin):
    near, far = anchor - positive, anchor - negative
    costs = margin + near.square().sum(1) - far.square().sum(1) > 0
    each = 2 * costs[:, None].to(anchor.dtype) / len(anchor)
    return each * (negative - positive), -each * near, each * far


def exact(anchor, positive, negative, margin):
    leaves = [vectors.detach().clone().requires_grad_() for vectors in (anchor, positive, negative)]
    loss = triplet_margin_with_distance_loss(
        *leaves, distance_function=lambda one, other: (one - other).square().sum(-1), margin=margin
    )
    return torch.autograd.grad(loss, leaves)


def right_where(anchor, positive, negative, margin):
    near, far = positive - anchor, negative - anchor
    lead = (far * far - near * near).sum(1, keepdim=True)
    towards, away = (torch.where(lead < margin, 2 / len(anchor) * way, 0.0) for way in (near, far))
    return away - towards, towards, -away


def right_rows_chosen(anchor, positive, negative, margin):
    near, far = anchor - positive, anchor - negative
    rows = (near.square().sum(1) - far.square().sum(1) > -margin).nonzero()[:, 0]
    found = [torch.zeros_like(anchor) for _ in range(3)]
    for gradient, way in zip(found, (near - far, -near, far), strict=True):
        gradient[rows] = way[rows] * (2 / len(anchor))
    return found


def wrong_plain_distance(anchor, positive, negative, margin):
    near, far = (x / torch.linalg.vector_norm(x, dim=1, keepdim=True) for x in (anchor - positive, anchor - negative))
    each = (margin + ((anchor - positive) * near - (anchor - negative) * far).sum(1, keepdim=True) > 0) / len(anchor)
    return each * (near - far), -each * near, each * far


def wrong_without_the_two(anchor, positive, negative, margin):
    return [gradient / 2 for gradient in pulls(anchor, positive, negative, margin)]


def wrong_no_hinge(anchor, positive, negative, margin):
    each = 2 / len(anchor)
    return each * (negative - positive), each * (positive - anchor), each * (anchor - negative)


def wrong_mean_over_those_that_cost(anchor, positive, negative, margin):
    near, far = anchor - positive, anchor - negative
    costs = margin + near.square().sum(1) - far.square().sum(1) > 0
    each = 2 * costs[:, None].to(anchor.dtype) / costs.sum().clamp(min=1)
    return each * (negative - positive), -each * near, each * far


def wrong_sign(anchor, positive, negative, margin):
    return [-gradient for gradient in pulls(anchor, positive, negative, margin)]


def wrong_the_negative_is_left(anchor, positive, negative, margin):
    of_anchor, of_positive, of_negative = pulls(anchor, positive, negative, margin)
    return of_anchor, of_positive, 0 * of_negative
