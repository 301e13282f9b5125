"""The backward pass.

You have `log_p` = `log_softmax(x, dim)` and the gradient $g$ of the loss by it.
Return the gradient by $x$, without autograd.

Nudge: Every output contains minus log-sum-exp, whose gradient is p. How often is it taken off?

Sketch: g itself, minus p times the sum of g along dim; p is the exponential of what you have.

Why: The Jacobian is 1 - p, row for row, so a gradient g becomes g - p sum(g). With -1 for the target it is p - y,
bounded however improbable the target; through softmax and log it would be 0 times infinity.
"""

import math

import torch

from .._draw import dim_of, log_shares, real

KIND = "derive"
LEVEL = 2
MINUTES = 10
AFTER = ["softmax.backward"]
TAKES = {"log_p": log_shares("...", along="dim"), "g": real("..."), "dim": dim_of()}
WITHOUT = ["autograd"]
AT = {"far behind and ruled out": {"log_p": [[0.0, -2000.0, -math.inf]], "g": [[0.0, -1.0, 0.0]], "dim": 1}}


def log_softmax_backward(log_p, g, dim):
    return g - log_p.exp() * g.sum(dim, keepdim=True)


def size(log_p, g, dim):
    return g.abs().sum(dim, keepdim=True)  # may cancel in the sum


def exact(log_p, g, dim):
    return g - log_p.exp() * g.sum(dim, keepdim=True)


def right_mean(log_p, g, dim):
    return g - torch.exp(log_p) * (g.mean(dim, keepdim=True) * g.shape[dim])


def right_addcmul(log_p, g, dim):
    return torch.addcmul(g, log_p.exp(), g.sum(dim, keepdim=True), value=-1)


def wrong_of_softmax(log_p, g, dim):
    p = log_p.exp()
    return p * (g - (p * g).sum(dim, keepdim=True))


def wrong_diagonal_only(log_p, g, dim):
    return g * (1 - log_p.exp())


def wrong_through_p(log_p, g, dim):
    """Refused by: far behind and ruled out."""
    p = log_p.exp()
    h = g / p
    return p * (h - (p * h).sum(dim, keepdim=True))


def wrong_log_p_for_p(log_p, g, dim):
    return g - log_p * g.sum(dim, keepdim=True)


def wrong_wrong_sign(log_p, g, dim):
    return g + log_p.exp() * g.sum(dim, keepdim=True)


def wrong_in_place(log_p, g, dim):
    """Refused by: nothing changed."""
    g -= log_p.exp() * g.sum(dim, keepdim=True)
    return g
