"""The box loss of Fast R-CNN.

`offsets` and `labels` have shape (boxes, 4), `has_object` is bool of shape (boxes,), and `beta` is 1.
Add up the four coordinates of each box with an object and divide by the number of *all* boxes.
The labels of the other boxes are NaN, there may be no object at all, and autograd will go through it.

Nudge: What does NaN times 0 give, and what does the sum of no numbers give?

Sketch: Keep the rows with an object first, add up what is left, and divide by the number of rows there were.

Why: A mask that is multiplied on afterwards keeps the NaN of the labels. A mean divides by coordinates, or by nothing
when there is no object; the sum over nothing is 0, with a gradient of 0.
"""

import math

import torch
import torch.nn.functional as F

from ...functional import smooth_l1_loss
from .._draw import left_out, mask, near, real

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["reductions_weights_masks.masked"]
TAKES = {
    "offsets": real("N", "K"),
    "labels": left_out(near("offsets", "N", "K"), "has_object", math.nan),
    "has_object": mask("N"),
}
SIZES = {"K": 4}
LEAST = {"N": 1}
FILLED = ["labels"]
GRADIENTS = ["offsets"]
AT = {
    "no object": {
        "offsets": [[0.5, -1.0, 2.0, 0.0], [1.0, 1.0, 1.0, 1.0]],
        "labels": [[math.nan] * 4, [math.nan] * 4],
        "has_object": [False, False],
    }
}


def box_loss(offsets, labels, has_object):
    total = F.smooth_l1_loss(offsets[has_object], labels[has_object], reduction="sum")
    return total / len(offsets)


def exact(offsets, labels, has_object):
    each = smooth_l1_loss(offsets[has_object], labels[has_object], reduction="none")
    return each.sum() / offsets.shape[0]


def right_where_before(offsets, labels, has_object):
    error = torch.where(has_object[:, None], offsets - labels, 0.0)
    return F.smooth_l1_loss(error, torch.zeros_like(error), reduction="sum") / len(offsets)


def right_labels_filled(offsets, labels, has_object):
    labels = torch.where(has_object[:, None], labels, offsets.detach())
    return F.smooth_l1_loss(offsets, labels, reduction="none").sum(1).mean()


def wrong_mask_afterwards(offsets, labels, has_object):
    loss = F.smooth_l1_loss(offsets, labels, reduction="none").sum(1)
    return (loss * has_object).sum() / len(offsets)


def wrong_nan_replaced_too_late(offsets, labels, has_object):
    loss = F.smooth_l1_loss(offsets, labels, reduction="none").sum(1)
    return loss.nan_to_num().sum() / len(offsets)


def wrong_mean_of_coordinates(offsets, labels, has_object):
    return F.smooth_l1_loss(offsets[has_object], labels[has_object])


def wrong_over_objects(offsets, labels, has_object):
    total = F.smooth_l1_loss(offsets[has_object], labels[has_object], reduction="sum")
    return total / has_object.sum()


def wrong_detached_when_empty(offsets, labels, has_object):
    """Refused by: gradient."""
    if not has_object.any():
        return torch.zeros((), dtype=offsets.dtype)
    total = F.smooth_l1_loss(offsets[has_object], labels[has_object], reduction="sum")
    return total / len(offsets)
