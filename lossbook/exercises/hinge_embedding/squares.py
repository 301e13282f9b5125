r"""The contrastive loss of the paper.

Hadsell, Chopra and LeCun (2006) square both parts, halve them, and count their labels the other way round: $Y$ is 0 for
a pair that is alike and 1 for one that is not,

$$ \ell = (1 - Y)\, \tfrac12 d^2 + Y\, \tfrac12 \max(0,\; m - d)^2 . $$

Write it for each pair, from distances, and from the labels of `hinge_embedding_loss`, 1 for alike and -1 for unlike.

Nudge: Which pairs have Y = 0 in the paper, and what is their label here?

Sketch: Where the label is 1, half the squared distance; else half the square of what is missing to the margin, which is
cut off at 0 before it is squared.

Why: The squares pull hard on an alike pair that is far apart and hardly on one that is close, where the linear loss
pulls both alike. Passing d ** 2 to hinge_embedding_loss is another loss again: its margin cuts off at the root of m.
"""

import torch

from .._draw import number, one_of, positive

KIND = "build"
LEVEL = 1
MINUTES = 6
TAKES = {"distance": positive("..."), "label": one_of(-1.0, 1.0, axes=("...",)), "margin": number(0.05, 20)}
GRADIENTS = ["distance"]


def contrastive(distance, label, margin):
    short = (margin - distance).clamp(min=0)
    return 0.5 * torch.where(label > 0, distance, short) ** 2


def size(distance, label, margin):
    return (distance + margin) ** 2


def slope_size(distance, label, margin):
    return distance + margin


def exact(distance, label, margin):
    unlike = (1 - label) / 2
    return 0.5 * ((1 - unlike) * distance**2 + unlike * (margin - distance).clamp(min=0) ** 2)


def right_by_the_letter(distance, label, margin):
    y = (label < 0).to(distance.dtype)
    return (1 - y) * distance.square() / 2 + y * torch.relu(margin - distance).square() / 2


def right_one_square(distance, label, margin):
    short = torch.relu(margin - distance)
    return torch.where(label == 1, distance, short).square() / 2


def wrong_labels_of_the_paper(distance, label, margin):
    return 0.5 * torch.where(label > 0, (margin - distance).clamp(min=0), distance) ** 2


def wrong_linear(distance, label, margin):
    return torch.where(label > 0, distance, (margin - distance).clamp(min=0))


def wrong_squared_distance_into_the_hinge(distance, label, margin):
    return 0.5 * torch.where(label > 0, distance**2, (margin - distance**2).clamp(min=0))


def wrong_squared_before_the_cut(distance, label, margin):
    return 0.5 * torch.where(label > 0, distance**2, (margin - distance) ** 2)


def wrong_without_the_half(distance, label, margin):
    return torch.where(label > 0, distance, (margin - distance).clamp(min=0)) ** 2
