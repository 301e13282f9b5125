r"""All pairs of a rated list.

Ten films have `ratings` from 1 to 5, and a model gives them `scores`, both of shape (N,).
Write the mean of $\max(0, m - (s_i - s_j))$ over all pairs in which film $i$ is rated higher than film $j$.
Films that are rated alike make no pair; where there is no pair at all, the loss is 0.

Nudge: A column against a row compares every film with every other. Which of these comparisons count?

Sketch: ratings[:, None] > ratings[None, :] is true once for each pair that counts. Sum what is there, and divide by how
many there are, or by 1 if there are none.

Why: A mean over all N * N comparisons pays for films that are rated alike, and for each film with itself, at the price
of a margin. The mean of nothing is NaN, and one list in which everybody rated 4 would end the training.
"""

import torch
import torch.nn.functional as F

from .._draw import Kind, normal, number, one_of

KIND = "build"
LEVEL = 2
MINUTES = 12
TAKES = {
    "scores": Kind(lambda shape, scale, drawn: normal(shape, scale), ("N",)),  # no lead is exactly the margin
    "ratings": one_of(1.0, 2.0, 3.0, 4.0, 5.0, axes=("N",)),
    "margin": number(0.05, 20),
}
GRADIENTS = ["scores"]
SLOPE_SIZE = 1.0  # a sum over the pairs of one
AT = {"all rated alike": {"scores": [0.5, -1.0, 2.0], "ratings": [4.0, 4.0, 4.0]}}


def pairs_loss(scores, ratings, margin):
    i, j = (ratings[:, None] > ratings[None, :]).nonzero(as_tuple=True)
    losses = (margin - (scores[i] - scores[j])).clamp(min=0)
    return losses.sum() / max(len(losses), 1)


def size(scores, ratings, margin):
    return scores.abs().amax() + margin if len(scores) else margin


def exact(scores, ratings, margin):
    counts = ratings[:, None] > ratings
    losses = (margin - scores[:, None] + scores).clamp(min=0).where(counts, 0.0)
    return losses.sum() / counts.sum().clamp(min=1)


def right_torch(scores, ratings, margin):
    i, j = torch.where(ratings[:, None] > ratings[None, :])
    if not len(i):
        return 0 * scores.sum()
    return F.margin_ranking_loss(scores[i], scores[j], torch.ones_like(scores[i]), margin=margin)


def right_half_of_the_pairs(scores, ratings, margin):
    i, j = torch.triu_indices(len(scores), len(scores), 1)
    label = (ratings[i] - ratings[j]).sign()
    losses = F.relu(margin - label * (scores[i] - scores[j])) * label.abs()
    return losses.sum() / label.abs().sum().clamp(min=1)


def wrong_nothing_is_nan(scores, ratings, margin):
    """Refused by: all rated alike."""
    i, j = (ratings[:, None] > ratings[None, :]).nonzero(as_tuple=True)
    return (margin - (scores[i] - scores[j])).clamp(min=0).mean()


def wrong_mean_over_all_comparisons(scores, ratings, margin):
    losses = (margin - scores[:, None] + scores).clamp(min=0) * (ratings[:, None] > ratings)
    return losses.sum() / max(len(scores), 1) ** 2


def wrong_alike_films_too(scores, ratings, margin):
    i, j = (ratings[:, None] >= ratings[None, :]).nonzero(as_tuple=True)
    return (margin - (scores[i] - scores[j])).clamp(min=0).sum() / max(len(i), 1)


def wrong_way_round(scores, ratings, margin):
    i, j = (ratings[:, None] < ratings[None, :]).nonzero(as_tuple=True)
    return (margin - (scores[i] - scores[j])).clamp(min=0).sum() / max(len(i), 1)


def wrong_neighbours_only(scores, ratings, margin):
    label = (ratings[:-1] - ratings[1:]).sign()
    losses = F.relu(margin - label * (scores[:-1] - scores[1:])) * label.abs()
    return losses.sum() / label.abs().sum().clamp(min=1)


def wrong_margin_forgotten(scores, ratings, margin):
    i, j = (ratings[:, None] > ratings[None, :]).nonzero(as_tuple=True)
    return (scores[j] - scores[i]).clamp(min=0).sum() / max(len(i), 1)
