r"""Every pair of a batch.

A network maps a batch to `vectors`, shape (N, D), and `classes` are their class indices, shape (N,).
Write the mean of hinge embedding loss over all pairs $i < j$: two vectors are alike if their classes are equal, and
$d$ is their Euclidean distance.
Where there is no pair, the loss is 0.
Two vectors may be equal: then $d$ is 0, and the pair adds nothing to the gradient.

Nudge: Which two lists of indices give each pair once? And what is the slope of a square root at 0?

Sketch: torch.triu_indices(N, N, 1) gives the pairs. torch.linalg.vector_norm has a slope of 0 where the difference is
0, which sqrt of a sum of squares has not.

Why: sqrt has an infinite slope at 0, and the square inside has the slope 0: their product is NaN, and one image that is
twice in a batch makes NaN of every weight. A small number inside the root keeps the gradient finite, and torch's
pairwise_distance adds one to each difference, which is a distance of its own for equal vectors.
"""

import torch
import torch.nn.functional as F

from .._draw import Kind, normal, number

KIND = "build"
LEVEL = 2
MINUTES = 12
TAKES = {
    "vectors": Kind(lambda shape, scale, drawn: normal(shape, scale), ("N", "D")),
    "classes": Kind(lambda shape, scale, drawn: torch.randint(3, shape), ("N",)),
    "margin": number(0.05, 20),
}
GRADIENTS = ["vectors"]
SLOPE_SIZE = 1.0  # a sum over the pairs of one
DTYPES = (torch.float64,)
SIZES = {"D": 3}
LEAST = {"N": 0}
AT = {
    "equal vectors": {"vectors": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [1.0, 2.0, 0.5]], "classes": [0, 0, 1]},
    "equal vectors of two classes": {"vectors": [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "classes": [0, 1]},
}


def batch_loss(vectors, classes, margin):
    i, j = torch.triu_indices(len(vectors), len(vectors), 1)
    d = torch.linalg.vector_norm(vectors[i] - vectors[j], dim=1)
    losses = torch.where(classes[i] == classes[j], d, (margin - d).clamp(min=0))
    return losses.sum() / max(len(losses), 1)


def exact(vectors, classes, margin):
    difference = vectors[:, None] - vectors
    squares = difference.square().sum(2)
    apart = squares > 0
    d = torch.where(apart, squares.where(apart, 1.0).sqrt(), 0.0)
    losses = torch.where(classes[:, None] == classes, d, (margin - d).clamp(min=0)).triu(1)
    return losses.sum() / max(len(vectors) * (len(vectors) - 1) / 2, 1)


def size(vectors, classes, margin):
    return 2 * vectors.abs().amax() + margin if len(vectors) else margin


def right_torch(vectors, classes, margin):
    i, j = torch.combinations(torch.arange(len(vectors))).T
    if not len(i):
        return 0 * vectors.sum()
    label = 2.0 * (classes[i] == classes[j]) - 1
    return F.hinge_embedding_loss((vectors[i] - vectors[j]).norm(dim=1), label, margin=margin)


def right_whole_matrix(vectors, classes, margin):
    d = torch.linalg.vector_norm(vectors[:, None] - vectors, dim=2)
    losses = torch.where(classes[:, None] == classes, d, torch.relu(margin - d))
    pairs = torch.ones_like(losses).triu(1)
    return (losses * pairs).sum() / pairs.sum().clamp(min=1)


def wrong_root_of_squares(vectors, classes, margin):
    """Refused by: gradient."""
    i, j = torch.triu_indices(len(vectors), len(vectors), 1)
    d = (vectors[i] - vectors[j]).square().sum(1).sqrt()
    losses = torch.where(classes[i] == classes[j], d, (margin - d).clamp(min=0))
    return losses.sum() / max(len(losses), 1)


def wrong_pairwise_distance(vectors, classes, margin):
    i, j = torch.triu_indices(len(vectors), len(vectors), 1)
    d = F.pairwise_distance(vectors[i], vectors[j])
    losses = torch.where(classes[i] == classes[j], d, (margin - d).clamp(min=0))
    return losses.sum() / max(len(losses), 1)


def wrong_each_with_itself(vectors, classes, margin):
    d = torch.linalg.vector_norm(vectors[:, None] - vectors, dim=2)
    losses = torch.where(classes[:, None] == classes, d, (margin - d).clamp(min=0))
    return losses.sum() / max(len(vectors), 1) ** 2


def wrong_squared_distance(vectors, classes, margin):
    i, j = torch.triu_indices(len(vectors), len(vectors), 1)
    d = (vectors[i] - vectors[j]).square().sum(1)
    losses = torch.where(classes[i] == classes[j], d, (margin - d).clamp(min=0))
    return losses.sum() / max(len(losses), 1)


def wrong_alike_and_unlike_swapped(vectors, classes, margin):
    i, j = torch.triu_indices(len(vectors), len(vectors), 1)
    d = torch.linalg.vector_norm(vectors[i] - vectors[j], dim=1)
    losses = torch.where(classes[i] != classes[j], d, (margin - d).clamp(min=0))
    return losses.sum() / max(len(losses), 1)


def wrong_mean_of_nothing(vectors, classes, margin):
    i, j = torch.triu_indices(len(vectors), len(vectors), 1)
    d = torch.linalg.vector_norm(vectors[i] - vectors[j], dim=1)
    return torch.where(classes[i] == classes[j], d, (margin - d).clamp(min=0)).mean()
