"""The backward pass.

You have $p$ = `softmax(x, dim)` and the gradient $g$ of the loss by $p$.
Return the gradient by $x$, without autograd and without building a Jacobian.

Nudge: Multiply diag(p) - p p^T by g. What does the second term become when you put the brackets round p^T g?

Sketch: p^T g is one number for each row, the mean of g under p. Subtract it from g, then multiply by p.

Why: The Jacobian is diag(p) - p p^T, so its product with g is p g - p (p^T g): work in proportion to the number of
classes, not to its square. Its rows add up to 0, so does this gradient.
"""

import torch

from .._draw import dim_of, real, shares
from .._exact import largest

KIND = "derive"
LEVEL = 2
MINUTES = 12
TAKES = {"p": shares("...", along="dim"), "g": real("..."), "dim": dim_of()}
WITHOUT = ["autograd", "a Jacobian"]
AT = {"cross entropy gives p - y": {"p": [[0.5, 0.25, 0.25]], "g": [[-2.0, 0.0, 0.0]], "dim": 1}}


def size(p, g, dim):
    return p * largest(g)


def softmax_backward(p, g, dim):
    return p * (g - (p * g).sum(dim, keepdim=True))


def exact(p, g, dim):
    return p * g - p * (p * g).sum(dim, keepdim=True)


def right_two_products(p, g, dim):
    pull = p * g
    return pull - p * pull.sum(dim, keepdim=True)


def right_mean_by_matrix(p, g, dim):
    p, g = p.movedim(dim, -1), g.movedim(dim, -1)
    mean = (p.unsqueeze(-2) @ g.unsqueeze(-1)).squeeze(-1)
    return (p * (g - mean)).movedim(-1, dim)


def wrong_as_for_the_sigmoid(p, g, dim):
    return g * p * (1 - p)


def wrong_without_the_mean(p, g, dim):
    return p * g


def wrong_plain_mean(p, g, dim):
    return p * (g - g.mean(dim, keepdim=True))


def wrong_always_the_last_dim(p, g, dim):
    return p * (g - (p * g).sum(-1, keepdim=True))


def wrong_p_g(p, g, dim):
    return p - g


def wrong_a_jacobian(p, g, dim):
    """Refused by: rules."""
    p, g = p.movedim(dim, -1), g.movedim(dim, -1)
    jacobian = torch.diag_embed(p) - p.unsqueeze(-1) * p.unsqueeze(-2)
    return (jacobian @ g.unsqueeze(-1)).squeeze(-1).movedim(-1, dim)


def wrong_in_place(p, g, dim):
    """Refused by: nothing changed."""
    g -= (p * g).sum(dim, keepdim=True)
    return p * g
