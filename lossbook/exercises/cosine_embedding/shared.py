r"""One vector, many pairs.

A vector `one`, shape (D,), is in N pairs with the rows of `others`, shape (N, D); `label` is 1 for alike and −1 for
unlike.
Return the derivative of the *mean* cosine embedding loss by `one`, without autograd.
No vector is zero.

Nudge: The chapter has the derivative of one cosine. What can be taken out of the sum over the pairs?

Sketch: Add up the unit vectors of the others: with -1 where alike, with 1 where unlike and above the margin, with 0
elsewhere. Divide by N, take off the part along one, and divide by the length of one.

Why: All pairs together pull at one direction, the signed mean of their unit vectors, and what is parallel to the vector
itself does nothing: it rests where the mean points its way, or exactly away from it. Lengths of the others do not
matter, its own slows it down. Unlike vectors below the margin send nothing and still count in N.
"""

import torch
import torch.nn.functional as F

from .._cases import WIDE
from .._draw import number, one_of, real
from .._exact import slope

KIND = "derive"
LEVEL = 2
MINUTES = 12
AFTER = ["cosine_embedding.angle"]
TAKES = {
    "one": real("D"),
    "others": real("N", "D"),
    "label": one_of(-1.0, 1.0, axes=("N",)),
    "margin": number(-0.5, 0.5, evenly=True),
}
WITHOUT = ["autograd"]
DTYPES = WIDE
SCALES = (1e-6, 1e-3, 0.1, 1.0, 30.0, 1e3)
FILLED = ()
SECONDS = 20.0  # a loop over a thousand rows is an honest answer
LEAST = {"D": 2, "N": 1}
AT = {
    "opposite to all that is alike": {
        "one": [2.0, 0.0],
        "others": [[-1.0, 0.0], [-3.0, 0.0], [0.0, 5.0]],
        "label": [1.0, 1.0, -1.0],
        "margin": 0.25,
    }
}


def size(one, others, label, margin):
    return 1 / torch.linalg.vector_norm(one)  # unit vectors, before one is taken off the other


def shared_pull(one, others, label, margin):
    length = torch.linalg.vector_norm(one)
    here, there = one / length, others / torch.linalg.vector_norm(others, dim=1, keepdim=True)
    unlike = (there @ here > margin).to(one.dtype)
    mean = torch.where(label > 0, -1.0, unlike) @ there / len(others)
    return (mean - (mean @ here) * here) / length


def exact(one, others, label, margin):
    def loss(a):
        cosine = (others * a).sum(1) / (others.square().sum(1) * a.square().sum()).sqrt()
        return torch.where(label > 0, 1 - cosine, torch.relu(cosine - margin)).mean()

    return slope(loss, one)


def right_pair_by_pair(one, others, label, margin):
    total = torch.zeros_like(one)
    for other, y in zip(others, label.tolist(), strict=True):
        cosine = F.cosine_similarity(one, other, dim=0, eps=0)
        turn = other / (one.norm() * other.norm()) - cosine * one / one.square().sum()
        if y > 0:
            total -= turn
        elif cosine > margin:
            total += turn
    return total / len(others)


def right_projected(one, others, label, margin):
    here = F.normalize(one, dim=0)
    across = torch.eye(len(one), dtype=one.dtype) - torch.outer(here, here)
    there = F.normalize(others, dim=1)
    costs = (label > 0) | (there @ here > margin)
    return across @ (there * (-label * costs)[:, None]).mean(0) / one.norm()


def wrong_length_forgotten(one, others, label, margin):
    return shared_pull(one, others, label, margin) * one.norm()


def wrong_part_along_itself_kept(one, others, label, margin):
    there = F.normalize(others, dim=1)
    costs = (label > 0) | (there @ F.normalize(one, dim=0) > margin)
    return -((label * costs) @ there) / len(others) / one.norm()


def wrong_margin_forgotten(one, others, label, margin):
    return shared_pull(one, others, label, -2.0)


def wrong_margin_of_0(one, others, label, margin):
    return shared_pull(one, others, label, 0.0)


def wrong_unlike_forgotten(one, others, label, margin):
    return shared_pull(one, others, label, 2.0)


def wrong_sign(one, others, label, margin):
    return -shared_pull(one, others, label, margin)


def wrong_of_the_sum(one, others, label, margin):
    return shared_pull(one, others, label, margin) * len(others)


def wrong_free_pairs_not_counted(one, others, label, margin):
    cosine = F.normalize(others, dim=1) @ F.normalize(one, dim=0)
    some = ((label > 0) | (cosine > margin)).sum().clamp(min=1)
    return shared_pull(one, others, label, margin) * len(others) / some


def wrong_long_ones_pull_harder(one, others, label, margin):
    here = F.normalize(one, dim=0)
    costs = (label > 0) | (F.normalize(others, dim=1) @ here > margin)
    mean = -((label * costs) @ others) / len(others)
    return (mean - (mean @ here) * here) / one.norm()
