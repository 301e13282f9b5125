r"""What a pair does to its vectors.

`one` and `other` hold the vectors of N pairs, shape (N, D), and `label` is 1 for alike and −1 for unlike.
The distance is Euclidean.
Return the derivative of the *mean* hinge embedding loss by `one`, without autograd.
Two vectors that are equal send nothing.

Nudge: In which direction does a distance grow fastest, and how fast?

Sketch: The difference divided by its length, a unit vector; times 1 where alike, times -1 where unlike and within the
margin, times 0 elsewhere; divided by N. Choose what a length of 0 is replaced by before you divide.

Why: Each pair that costs something pulls with the same force, 1/N, however near or far: it is a direction alone. So
alike pairs are still pulled at full strength when they nearly touch, where a squared distance would let go; and two
unlike vectors in one place have no direction to part in: their own pair never separates them.
"""

import torch
import torch.nn.functional as F

from .._cases import WIDE
from .._draw import near, number, one_of, real
from .._exact import slope

KIND = "derive"
LEVEL = 2
MINUTES = 10
TAKES = {
    "one": real("N", "D"),
    "other": near("one", "N", "D"),
    "label": one_of(-1.0, 1.0, axes=("N",)),
    "margin": number(0.1, 10, 1.0),
}
WITHOUT = ["autograd"]
DTYPES = WIDE
SCALES = (1e-6, 1e-3, 0.1, 1.0, 30.0, 1e3)
FILLED = ()
SECONDS = 20.0  # a loop over a thousand rows is an honest answer
AT = {
    "equal vectors": {
        "one": [[1.0, 2.0, 0.5], [1.0, 2.0, 0.5], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0]],
        "other": [[1.0, 2.0, 0.5], [1.0, 2.0, 0.5], [0.0, 0.0, 0.0], [0.0, 0.0, 0.25]],
        "label": [1.0, -1.0, -1.0, -1.0],
        "margin": 1.0,
    }
}


def pull(one, other, label, margin):
    difference = one - other
    distance = torch.linalg.vector_norm(difference, dim=1)
    unit = difference / distance.where(distance > 0, 1.0)[:, None]
    force = torch.where(label > 0, 1.0, -(distance <= margin).to(one.dtype))
    return force[:, None] * unit / len(one)


def exact(one, other, label, margin):
    def loss(a):
        distance = torch.linalg.vector_norm(a - other, dim=1)
        return F.hinge_embedding_loss(distance, label, margin=margin)

    return slope(loss, one)


def right_normalised(one, other, label, margin):
    apart = F.normalize(one - other, dim=1, eps=1e-30)
    distance = torch.linalg.vector_norm(one - other, dim=1)
    costs = (label > 0) | (distance < margin)
    return apart * (label * costs / len(one)).unsqueeze(1)


def right_row_by_row(one, other, label, margin):
    found = torch.zeros_like(one)
    for k, difference in enumerate(one - other):
        distance = difference.square().sum().sqrt()
        if distance > 0 and (label[k] > 0 or distance < margin):
            found[k] = label[k] * difference / distance / len(one)
    return found


def wrong_equal_vectors_are_nan(one, other, label, margin):
    """Refused by: equal vectors."""
    difference = one - other
    distance = torch.linalg.vector_norm(difference, dim=1, keepdim=True)
    costs = (label[:, None] > 0) | (distance <= margin)
    return label[:, None] * costs * difference / distance / len(one)


def wrong_epsilon_on_each_difference(one, other, label, margin):
    """Refused by: equal vectors."""
    difference = one - other + 1e-6
    distance = torch.linalg.vector_norm(difference, dim=1, keepdim=True)
    costs = (label[:, None] > 0) | (distance <= margin)
    return label[:, None] * costs * difference / distance / len(one)


def wrong_far_pairs_pull_harder(one, other, label, margin):
    distance = torch.linalg.vector_norm(one - other, dim=1, keepdim=True)
    return pull(one, other, label, margin) * distance


def wrong_sign(one, other, label, margin):
    return -pull(one, other, label, margin)


def wrong_of_the_sum(one, other, label, margin):
    return pull(one, other, label, margin) * len(one)


def wrong_margin_forgotten(one, other, label, margin):
    return pull(one, other, label, float("inf"))


def wrong_unlike_forgotten(one, other, label, margin):
    return pull(one, other, label, -1.0)


def wrong_label_forgotten(one, other, label, margin):
    return pull(one, other, label.abs(), margin)


def wrong_free_pairs_not_counted(one, other, label, margin):
    costs = (label > 0) | (torch.linalg.vector_norm(one - other, dim=1) <= margin)
    return pull(one, other, label, margin) * len(one) / costs.sum().clamp(min=1)
