r"""By how many each score is pulled.

`there` is True for the classes that a sample has.
Return the derivative of each sample's loss by its scores, shape (N, C), without autograd.
No pair leads by exactly 1.

Nudge: A pair within the margin adds 1/C to one score and takes it from another. In how many pairs is a class?

Sketch: A table of own classes against other ones, True where the other is less than 1 behind. Count it in both
directions, with the right signs, and divide by C.

Why: A class that is there is pulled up by one C-th for each other class that is not 1 below it, and a class that is not
is pushed down by one C-th for each own class that is not 1 above it: by their number, never by how far. So one strong
rival is pushed by all the labels of its sample at once, a class with rivals at every turn is pulled with nearly 1, each
row adds up to 0, and a sample without classes, or with all, moves nothing.
"""

import torch

from .._draw import mask, real
from .._exact import slope

KIND = "derive"
LEVEL = 2
MINUTES = 10
AFTER = ["multilabel_margin.misread"]
TAKES = {"scores": real("N", "C"), "there": mask("N", "C")}
WITHOUT = ["autograd"]
SCALES = (0.1, 1.0, 10.0)
DTYPES = (torch.float64,)  # in float32 a lead may round to exactly 1
FILLED = ()
SECONDS = 20.0  # a loop over a thousand rows is an honest answer
LEAST = {"C": 2}
AT = {
    "no class, and all": {
        "scores": [[-3.0, -2.0, -5.0], [-3.0, -2.5, -5.0], [4.0, 3.5, 7.0]],
        "there": [[False, False, False], [True, True, True], [False, True, False]],
    },
}


def pull(scores, there):
    lacks = 1 + scores[:, None, :] - scores[:, :, None]  # (N, own class, other class)
    near = ((lacks > 0) & there[:, :, None] & ~there[:, None, :]).to(scores.dtype)
    return (near.sum(1) - near.sum(2)) / scores.shape[1]


def exact(scores, there):
    rows = []
    for row, own in zip(scores, there, strict=True):

        def loss(x, own=own):
            return torch.relu(1 + x[~own] - x[own][:, None]).sum() / len(x)

        rows.append(slope(loss, row))
    return torch.stack(rows) if rows else torch.zeros_like(scores)


def right_sorted(scores, there):
    scores = scores.contiguous()
    others = scores.masked_fill(there, -torch.inf).sort(1).values
    own = scores.masked_fill(~there, torch.inf).sort(1).values
    rivals = scores.shape[1] - torch.searchsorted(others, scores - 1, right=True)
    labels = torch.searchsorted(own, scores + 1)
    return torch.where(there, -rivals, labels).to(scores.dtype) / scores.shape[1]


def right_class_by_class(scores, there):
    columns = []
    for k in range(scores.shape[1]):
        score = scores[:, k, None]
        rivals = (~there & (scores + 1 > score)).sum(1)
        labels = (there & (scores < score + 1)).sum(1)
        columns.append(torch.where(there[:, k], -rivals, labels))
    return torch.stack(columns, 1).to(scores.dtype) / scores.shape[1]


def wrong_sign(scores, there):
    return -pull(scores, there)


def wrong_mean_over_the_pairs(scores, there):
    own = there.sum(1, keepdim=True)
    return pull(scores, there) * scores.shape[1] / (own * (scores.shape[1] - own)).clamp(min=1)


def wrong_not_divided(scores, there):
    return pull(scores, there) * scores.shape[1]


def wrong_mean_over_the_batch(scores, there):
    return pull(scores, there) / len(scores)


def wrong_worst_pair_alone(scores, there):
    found = torch.zeros_like(scores)
    for row, own, x in zip(found, there, scores, strict=True):
        if own.any() and not own.all():
            i, j = x.masked_fill(own, -torch.inf).argmax(), x.masked_fill(~own, torch.inf).argmin()
            if 1 + x[i] - x[j] > 0:
                row[i], row[j] = 1, -1
    return found


def wrong_pulled_once(scores, there):
    return pull(scores, there).sign() / scores.shape[1]


def wrong_by_how_much(scores, there):
    lacks = (1 + scores[:, None, :] - scores[:, :, None]).clamp(min=0)
    lacks = lacks * (there[:, :, None] & ~there[:, None, :])
    return (lacks.sum(1) - lacks.sum(2)) / scores.shape[1]


def wrong_own_classes_compared_too(scores, there):
    near = ((1 + scores[:, None, :] - scores[:, :, None] > 0) & there[:, :, None]).to(scores.dtype)
    return (near.sum(1) - near.sum(2)) / scores.shape[1]


def wrong_margin_forgotten(scores, there):
    near = (scores[:, None, :] > scores[:, :, None]) & there[:, :, None] & ~there[:, None, :]
    return (near.sum(1).to(scores.dtype) - near.sum(2)) / scores.shape[1]


def wrong_all_pairs(scores, there):
    own = there.to(scores.dtype)
    many = own.sum(1, keepdim=True)
    return ((1 - own) * many - own * (scores.shape[1] - many)) / scores.shape[1]
