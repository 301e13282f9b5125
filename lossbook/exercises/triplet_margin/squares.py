r"""Squared distances.

The paper that made triplets famous squares its distances,

$$ \ell = \max(0,\; m + \lVert a - p \rVert^2 - \lVert a - n \rVert^2) . $$

Return the derivatives of each triplet's loss by `anchor`, `positive` and `negative`, three tensors of shape (N, D),
without autograd.

Nudge: What is left of the anchor when you take the derivative of the difference of the two squares by it?

Sketch: Twice the negative less the positive for the anchor, twice the positive less the anchor for the positive, twice
the anchor less the negative for the negative; all three 0 where the triplet costs nothing.

Why: The squares of the anchor cancel, so its pull is that of a straight line: from the negative to the positive,
wherever the anchor is. A positive is pulled the harder the farther it is, where an unsquared distance always pulls with
1. And in one place all three are 0: without the root a collapse has no way out at all, though the loss is the margin.
"""

import torch

from .._cases import WIDE
from .._draw import near, number, real

KIND = "derive"
LEVEL = 1
MINUTES = 8
TAKES = {
    "anchor": real("N", "D"),
    "positive": near("anchor", "N", "D"),
    "negative": near("anchor", "N", "D"),
    "margin": number(0.1, 3, 1.0),
}
WITHOUT = ["autograd"]
DTYPES = WIDE
FILLED = ()
SECONDS = 20.0  # a loop over a thousand rows is an honest answer
AT = {
    "all in one place": {
        "anchor": [[1.0, -2.0], [0.0, 0.0]],
        "positive": [[1.0, -2.0], [0.0, 0.0]],
        "negative": [[1.0, -2.0], [0.0, 0.0]],
    },
    "an anchor far away": {"anchor": [[1000.0, 0.0]], "positive": [[0.0, 1.0]], "negative": [[0.0, -1.0]]},
}


def size(anchor, positive, negative, margin):
    return anchor.abs() + positive.abs() + negative.abs()  # differences of them


def pulls(anchor, positive, negative, margin):
    near = (anchor - positive).square().sum(1, keepdim=True)
    far = (anchor - negative).square().sum(1, keepdim=True)
    force = 2 * (margin + near - far > 0).to(anchor.dtype)
    return force * (negative - positive), force * (positive - anchor), force * (anchor - negative)


def exact(anchor, positive, negative, margin):
    leaves = [each.detach().clone().requires_grad_() for each in (anchor, positive, negative)]
    a, p, n = leaves
    loss = torch.relu(margin + ((n - p) * (2 * a - p - n)).sum(1)).sum()
    return list(torch.autograd.grad(loss, leaves))


def right_two_sums(anchor, positive, negative, margin):
    near, far = anchor - positive, anchor - negative
    costs = (far.square().sum(1) < margin + near.square().sum(1))[:, None]
    for_positive = torch.where(costs, -2 * near, 0.0)
    for_negative = torch.where(costs, 2 * far, 0.0)
    return -(for_positive + for_negative), for_positive, for_negative


def right_row_by_row(anchor, positive, negative, margin):
    found = [torch.zeros_like(anchor) for _ in range(3)]
    for k, (a, p, n) in enumerate(zip(anchor, positive, negative, strict=True)):
        if margin + (a - p) @ (a - p) - (a - n) @ (a - n) > 0:
            for each, row in zip(found, (n - p, p - a, a - n), strict=True):
                each[k] = row + row
    return found


def wrong_unsquared(anchor, positive, negative, margin):
    near, far = anchor - positive, anchor - negative
    u, v = torch.nn.functional.normalize(near, dim=1), torch.nn.functional.normalize(far, dim=1)
    costs = margin + near.norm(dim=1, keepdim=True) - far.norm(dim=1, keepdim=True) > 0
    return costs * (u - v), -costs * u, costs * v


def wrong_two_forgotten(anchor, positive, negative, margin):
    return [each / 2 for each in pulls(anchor, positive, negative, margin)]


def wrong_beyond_the_margin_too(anchor, positive, negative, margin):
    return pulls(anchor, positive, negative, torch.inf)


def wrong_margin_forgotten(anchor, positive, negative, margin):
    return pulls(anchor, positive, negative, 0.0)


def wrong_hinge_of_the_roots(anchor, positive, negative, margin):
    near, far = (anchor - positive).norm(dim=1), (anchor - negative).norm(dim=1)
    costs = (margin + near - far > 0)[:, None]
    return 2 * costs * (negative - positive), 2 * costs * (positive - anchor), 2 * costs * (anchor - negative)


def wrong_negative_forgotten_at_the_anchor(anchor, positive, negative, margin):
    _, for_positive, for_negative = pulls(anchor, positive, negative, margin)
    return -for_positive, for_positive, for_negative


def wrong_sign(anchor, positive, negative, margin):
    return [-each for each in pulls(anchor, positive, negative, margin)]


def wrong_positive_and_negative_exchanged(anchor, positive, negative, margin):
    return pulls(anchor, negative, positive, margin)


def wrong_of_the_mean(anchor, positive, negative, margin):
    return [each / max(len(anchor), 1) for each in pulls(anchor, positive, negative, margin)]


def wrong_in_another_order(anchor, positive, negative, margin):
    for_anchor, for_positive, for_negative = pulls(anchor, positive, negative, margin)
    return for_positive, for_negative, for_anchor
