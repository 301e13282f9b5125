"""Semi-hard negatives.

An anchor has the distance `near` from its positive, shape (N,), and the distances `far` from M negatives, shape (N, M).
Take for each anchor the nearest negative that is *farther* than the positive, or the farthest negative if there is none
such, and return the triplet losses, shape (N,).

Nudge: Which entries of a row may be chosen, and what can stand in the place of the others so that a minimum skips them?

Sketch: Fill what is not farther than the positive with infinity and take the minimum of the row; where that is
infinite, take the maximum of the row as it was. Then the hinge.

Why: A negative that is nearer than the positive pulls hardest, and early in training such triplets are mostly noise:
the way to make all of them cheaper is to put everything in one place. Semi-hard negatives are farther than the
positive, so each loss is at most the margin unless a row has no such negative.
"""

import torch

from .._draw import number, positive

KIND = "build"
LEVEL = 2
MINUTES = 12
TAKES = {"near": positive("N"), "far": positive("N", "M"), "margin": number(0.1, 3)}
AT = {
    "none is farther": {"near": [3.0, 3.0], "far": [[1.0, 2.0], [3.0, 2.5]]},
    "some are nearer": {"near": [1.0, 2.0], "far": [[0.5, 1.25, 9.0], [7.0, 1.0, 2.5]]},
}
SCALES = (1e-3, 0.1, 1.0, 10.0)
DTYPES = (torch.float64, torch.float32)


def size(near, far, margin):
    return margin + near + far.amax(1)


def losses(near, far, margin):
    farther = far.masked_fill(far <= near[:, None], torch.inf).amin(1)
    chosen = torch.where(farther.isinf(), far.amax(1), farther)
    return (margin + near - chosen).clamp(min=0)


def exact(near, far, margin):
    found = [
        min([f for f in row if f > n], default=max(row)) for n, row in zip(near.tolist(), far.tolist(), strict=True)
    ]
    lead = torch.tensor(found, dtype=near.dtype) - near
    return torch.where(lead < margin, margin - lead, 0.0)


def right_by_index(near, far, margin):
    beyond = far > near[:, None]
    index = torch.where(
        beyond.any(1), far.masked_fill(~beyond, torch.inf).argmin(1), far.masked_fill(beyond, -torch.inf).argmax(1)
    )
    return torch.relu(margin + near - far.gather(1, index[:, None]).squeeze(1))


def right_sorted(near, far, margin):
    rising = far.sort(1).values
    place = (rising <= near[:, None]).sum(1).clamp(max=far.shape[1] - 1)
    return (near - rising.gather(1, place[:, None])[:, 0] + margin).clamp(min=0)


def wrong_hardest(near, far, margin):
    return (margin + near - far.amin(1)).clamp(min=0)


def wrong_easiest(near, far, margin):
    return (margin + near - far.amax(1)).clamp(min=0)


def wrong_nearest_if_there_is_none(near, far, margin):
    """Refused by: none is farther."""
    farther = far.masked_fill(far <= near[:, None], torch.inf).amin(1)
    return (margin + near - torch.where(farther.isinf(), far.amin(1), farther)).clamp(min=0)


def wrong_nothing_if_there_is_none(near, far, margin):
    """Refused by: none is farther."""
    farther = far.masked_fill(far <= near[:, None], torch.inf).amin(1)
    return (margin + near - farther).clamp(min=0)


def wrong_beyond_the_margin(near, far, margin):
    farther = far.masked_fill(far <= margin + near[:, None], torch.inf).amin(1)
    return (margin + near - torch.where(farther.isinf(), far.amax(1), farther)).clamp(min=0)


def wrong_mean_of_the_farther(near, far, margin):
    beyond = far > near[:, None]
    each = (margin + near[:, None] - far).clamp(min=0) * beyond
    return each.sum(1) / beyond.sum(1).clamp(min=1)
