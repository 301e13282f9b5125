"""Soft labels with a mask and a count.

Return two things: the mean cross entropy over the rows where `keep` is true, and how many they are.
Targets are probabilities, and the rows left out may hold NaN.
With no row left, the loss is 0 and can still be differentiated.

Nudge: What is NaN times 0, and what is the mean of no numbers?

Sketch: Select the rows first, add up their losses, and divide by the count, or by 1 if there is none.

Why: NaN times 0 is NaN, so a mask that multiplies cannot remove anything. The sum over no rows is 0 and still hangs on
the logits, so backward() works; the count goes with the loss, because a 0 from an empty batch and a 0 from a perfect
one look alike.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import left_out, mask, real, shares
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 12
AFTER = ["reductions_weights_masks.masked"]
TAKES = {
    "logits": left_out(real("N", "C"), "keep", math.nan),
    "target": left_out(shares("N", "C", along="C", zeros=False), "keep", math.nan),
    "keep": mask("N"),
}
GRADIENTS = ["logits"]
AT = {
    "no row left": {
        "logits": [[1.0, 2.0], [math.nan, 0.0]],
        "target": [[0.5, 0.5], [math.nan, 1.0]],
        "keep": [False, False],
    }
}


def run(answer, logits, target, keep):
    loss, count = answer(logits, target, keep)
    return loss, torch.as_tensor(count).long()


def size(logits, target, keep):
    return 1 + largest(logits[keep])


SLOPE_SIZE = 1.0


def masked_soft_loss(logits, target, keep):
    count = keep.sum()
    log_p = logits[keep].log_softmax(dim=1)
    total = -(target[keep] * log_p).sum()
    return total / count.clamp(min=1), count


def exact(logits, target, keep):
    each = -(target[keep] * logits[keep].log_softmax(1)).sum(1)
    return each.sum() / max(len(each), 1), keep.sum()


def right_torch_sum(logits, target, keep):
    count = int(keep.sum())
    total = F.cross_entropy(logits[keep], target[keep], reduction="sum")
    return total / max(count, 1), count


def right_filled(logits, target, keep):
    rows = keep[:, None]
    log_p = logits.masked_fill(~rows, 0.0).log_softmax(1)
    each = -(target.masked_fill(~rows, 0.0) * log_p).sum(1)
    return each.sum() / keep.sum().clamp(min=1), keep.sum()


def wrong_mean_over_every_row(logits, target, keep):
    each = F.cross_entropy(logits, target, reduction="none")
    return (each * keep).mean(), keep.sum()


def wrong_multiplied_by_the_mask(logits, target, keep):
    each = F.cross_entropy(logits, target, reduction="none")
    return (each * keep).sum() / keep.sum().clamp(min=1), keep.sum()


def wrong_where_after_the_loss(logits, target, keep):
    """Refused by: gradient."""
    each = F.cross_entropy(logits, target, reduction="none")
    return torch.where(keep, each, 0).sum() / keep.sum().clamp(min=1), keep.sum()


def wrong_mean_of_no_rows(logits, target, keep):
    """Refused by: no row left."""
    return F.cross_entropy(logits[keep], target[keep]), keep.sum()


def wrong_0_without_a_graph(logits, target, keep):
    """Refused by: gradient."""
    if not keep.any():
        return torch.zeros((), dtype=logits.dtype), keep.sum()
    return F.cross_entropy(logits[keep], target[keep]), keep.sum()


def wrong_count_of_entries(logits, target, keep):
    total = F.cross_entropy(logits[keep], target[keep], reduction="sum")
    count = keep.sum() * logits.shape[1]
    return total / count.clamp(min=1), count


def wrong_the_clamped_count(logits, target, keep):
    """Refused by: no row left."""
    count = keep.sum().clamp(min=1)
    total = -(target[keep] * logits[keep].log_softmax(1)).sum()
    return total / count, count


def wrong_kept_nan_hidden(logits, target, keep):
    """Refused by: NaN and infinity or gradient."""
    each = -(target * logits.log_softmax(1)).sum(1).nan_to_num(0.0)
    return each[keep].sum() / keep.sum().clamp(min=1), keep.sum()
