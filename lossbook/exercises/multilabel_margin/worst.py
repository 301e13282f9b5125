r"""The worst pair.

`there` is True for the classes that a sample has.
Write the loss of each sample, shape (N), in the form of Crammer and Singer: $\max(0, 1 - x_j + x_i)$ for the pair of a
class $j$ that is there and a class $i$ that is not which costs most.
A sample that has no class, or all, has no pair and costs 0.

Nudge: Which class that is there makes the costliest pair, and which that is not?

Sketch: The lowest score of those that are there, the highest of those that are not; fill the others with an infinity of
the right sign, and clamp at 0.

Why: The cost of a pair falls with one score and rises with the other, so the worst pair is made of two extremes and no
pair has to be formed. An empty side leaves an infinity, and 1 + (-inf) - ... is clamped to 0 as it should be; a zero
in its place would be a score like any other. The loss moves two scores of a sample, where the sum over pairs moves all
that are too near.
"""

import torch

from .._draw import mask, real
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["multilabel_margin.misread"]
TAKES = {"scores": real("N", "C"), "there": mask("N", "C")}
FILLED = ()
LEAST = {"C": 2}
AT = {
    "no class, and all": {
        "scores": [[-3.0, -2.0, -5.0], [-3.0, -2.0, -5.0], [4.0, 3.0, 7.0]],
        "there": [[False, False, False], [True, True, True], [False, False, False]],
    },
    "scores below 0": {"scores": [[-9.0, -8.5, -7.0]], "there": [[False, True, False]]},
}


def size(scores, there):
    return 1 + largest(scores)


def worst_pair(scores, there):
    weakest = scores.masked_fill(~there, torch.inf).amin(dim=1)
    strongest = scores.masked_fill(there, -torch.inf).amax(dim=1)
    return (1 + (strongest - weakest)).clamp(min=0)


def exact(scores, there):
    losses = []
    for row, own in zip(scores, there, strict=True):
        theirs, others = row[own], row[~own]
        pair = 1 + others.max() - theirs.min() if len(theirs) and len(others) else 0 * row.sum()
        losses.append(pair.clamp(min=0))
    return torch.stack(losses) if losses else scores.sum(1)


def right_all_pairs(scores, there):
    lacks = 1 + (scores[:, None, :] - scores[:, :, None])
    pairs = there[:, :, None] & ~there[:, None, :]
    return lacks.masked_fill(~pairs, 0).amax((1, 2)).clamp(min=0)


def right_where(scores, there):
    low = torch.where(there, scores, torch.inf).amin(1)
    high = torch.where(there, -torch.inf, scores).amax(1)
    return torch.relu(1 - low + high)


def wrong_sum_over_pairs(scores, there):
    lacks = (1 + scores[:, None, :] - scores[:, :, None]).clamp(min=0)
    return (lacks * (there[:, :, None] & ~there[:, None, :])).sum((1, 2)) / scores.shape[1]


def wrong_best_class_against_the_strongest(scores, there):
    best = scores.masked_fill(~there, -torch.inf).amax(1)
    strongest = scores.masked_fill(there, -torch.inf).amax(1)
    return (1 + strongest - best).clamp(min=0).nan_to_num(posinf=0.0)


def wrong_filled_with_zeros(scores, there):
    weakest = scores.masked_fill(~there, 0).amin(1)
    strongest = scores.masked_fill(there, 0).amax(1)
    return (1 + strongest - weakest).clamp(min=0)


def wrong_not_clamped(scores, there):
    weakest = scores.masked_fill(~there, torch.inf).amin(1)
    strongest = scores.masked_fill(there, -torch.inf).amax(1)
    return 1 + strongest - weakest


def wrong_without_a_margin(scores, there):
    weakest = scores.masked_fill(~there, torch.inf).amin(1)
    strongest = scores.masked_fill(there, -torch.inf).amax(1)
    return (strongest - weakest).clamp(min=0)


def wrong_the_other_way_round(scores, there):
    weakest = scores.masked_fill(there, torch.inf).amin(1)
    strongest = scores.masked_fill(~there, -torch.inf).amax(1)
    return (1 + strongest - weakest).clamp(min=0)


def wrong_divided_by_the_classes(scores, there):
    return worst_pair(scores, there) / scores.shape[1]
