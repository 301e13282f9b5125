"""A distance with a gradient everywhere.

Return the Euclidean distance of each row of `input` from the same row of `target`.
Where two rows are equal the distance is exactly 0, and so is its gradient; tiny distances stay right.

Nudge: What is the slope of the square root at 0, and what is 0 times that?

Sketch: Replace a sum of squares that is 0 by 1 before the root, and the root by 0 after it. For tiny distances, measure
in units of the largest difference of the row.

Why: One where after the root chooses the value and leaves the NaN in the gradient. A small number under the root, or a
clamp, removes the NaN and makes tiny distances wrong; so does the square, which underflows at 1e-23 in float32, unless
the differences are first divided by their largest. torch.linalg.vector_norm takes the same care of 0 inside, so the
one-line answer with it is right as well, down to that size.
"""

import torch

from .._draw import near, real

KIND = "build"
LEVEL = 2
MINUTES = 12
AFTER = ["mse.root"]
TAKES = {"input": real("N", "D"), "target": near("input", "N", "D")}
GRADIENTS = ["input", "target"]
AT = {
    "equal rows": {"input": [[1.0, 2.0], [0.0, 0.0]], "target": [[1.0, 2.0], [3.0, 4.0]]},
    "tiny distances": {"input": [[0.0, 0.0], [0.0, 0.0]], "target": [[3e-15, 4e-15], [0.0, 0.0]]},
}


def distance(input, target):
    difference = input - target
    largest = difference.detach().abs().amax(dim=1, keepdim=True)
    unit = largest.where(largest > 0, 1.0)
    squares = ((difference / unit) ** 2).sum(dim=1)
    apart = squares > 0
    return torch.where(apart, squares.where(apart, 1.0).sqrt(), 0.0) * unit.squeeze(1)


def exact(input, target):
    return torch.linalg.vector_norm(input - target, dim=1)


def right_vector_norm(input, target):
    return torch.linalg.vector_norm(input - target, dim=1)


def right_two_wheres(input, target):
    squares = ((input - target) ** 2).sum(dim=1)
    apart = squares > 0
    return torch.where(apart, torch.where(apart, squares, 1.0).sqrt(), 0.0)


def wrong_the_root_alone(input, target):
    """Refused by: gradient."""
    return ((input - target) ** 2).sum(dim=1).sqrt()


def wrong_one_where(input, target):
    """Refused by: gradient."""
    squares = ((input - target) ** 2).sum(dim=1)
    return torch.where(squares > 0, squares.sqrt(), 0.0)


def wrong_a_small_number_under_the_root(input, target):
    return (((input - target) ** 2).sum(dim=1) + 1e-12).sqrt()


def wrong_clamp(input, target):
    return ((input - target) ** 2).sum(dim=1).clamp(min=1e-12).sqrt()


def wrong_squared(input, target):
    return ((input - target) ** 2).sum(dim=1)


def wrong_tiny_number_under_the_root(input, target):
    return (((input - target) ** 2).sum(dim=1) + 1e-32).sqrt()


def wrong_cdist(input, target):
    """Refused by: shapes."""
    return torch.cdist(input, target).diagonal()
