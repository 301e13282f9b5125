r"""One table at both ends.

A model guesses the next token from one token, and its table `weight`, shape (C, D), is used twice: the features are
the rows `weight[token]`, and the logits are `weight[token] @ weight.T`.
Return the gradient by the table of the mean cross entropy with `target`, without autograd.
`token` and `target` have shape (N,), tokens come more than once, and targets of −100 are ignored.

Nudge: Along how many ways does the table get to the loss? What comes along each one, if the other is held still?

Sketch: With G, prediction minus target over the number that counts, the head gets G.T @ features; the features get
G @ weight, and add it to the rows that they were read from.

Why: A table used twice gets the sum of two gradients, and they look different: the head moves each row a little, for
every word takes part in each softmax; the way in moves the rows of the tokens that were read, as often as they were
read, so it has to be added and not assigned. A frequent token is pulled by both.
"""

import torch
import torch.nn.functional as F

from .._cases import WIDE
from .._draw import index, real
from .._exact import largest, slope

KIND = "derive"
LEVEL = 2
MINUTES = 12
TAKES = {"weight": real("C", "D"), "token": index("N", of="C"), "target": index("N", of="C", ignored=True)}
WITHOUT = ["autograd"]
SCALES = (1e-3, 0.1, 1.0, 10.0)
DTYPES = WIDE
FILLED = ()
LEAST = {"C": 1, "D": 1, "N": 2}
AT = {
    "a token again and again": {
        "weight": [[0.5, -1.0], [1.0, 0.25], [-0.75, 0.5]],
        "token": [1, 1, 1, 2],
        "target": [0, 2, 2, -100],
    }
}


def size(weight, token, target):
    rows = weight[token].abs()
    return largest(weight) * (2 + largest(rows @ weight.abs().T))  # roundings of a logit move q


def table_gradient(weight, token, target):
    features, counts = weight[token], target != -100
    slope = (features @ weight.T).softmax(1) - F.one_hot(target.where(counts, 0), len(weight))
    slope = slope * counts[:, None] / counts.sum()
    return (slope.T @ features).index_add(0, token, slope @ weight)


def exact(weight, token, target):
    return slope(lambda w: F.cross_entropy(w[token] @ w.T, target), weight)


def _logit_slope(weight, token, target):
    counts = target != -100
    share = (weight[token] @ weight.T).softmax(1)
    return (share - F.one_hot(target.clamp(min=0), len(weight))) * counts[:, None] / counts.sum()


def right_two_products(weight, token, target):
    read = F.one_hot(token, len(weight)).to(weight)
    each = _logit_slope(weight, token, target)
    return each.T @ (read @ weight) + read.T @ (each @ weight)


def right_table_of_counts(weight, token, target):
    each = _logit_slope(weight, token, target)
    pairs = torch.zeros_like(weight[:, :1]).expand(-1, len(weight)).clone().index_add(0, token, each)
    return (pairs + pairs.T) @ weight


def right_only_what_counts(weight, token, target):
    kept = (target != -100).nonzero().squeeze(1)
    token, target = token[kept], target[kept]
    each = ((weight[token] @ weight.T).log_softmax(1)).exp()
    each = each.scatter_add(1, target[:, None], -torch.ones_like(each[:, :1])) / len(kept)
    found = each.T @ weight[token]
    for row, pull in zip(token.tolist(), each @ weight, strict=True):
        found[row] += pull
    return found


def wrong_head_alone(weight, token, target):
    return _logit_slope(weight, token, target).T @ weight[token]


def wrong_way_in_alone(weight, token, target):
    each = _logit_slope(weight, token, target)
    return torch.zeros_like(weight).index_add(0, token, each @ weight)


def wrong_assigned_and_not_added(weight, token, target):
    """Refused by: a token again and again."""
    each = _logit_slope(weight, token, target)
    found = each.T @ weight[token]
    found[token] += each @ weight
    return found


def wrong_head_twice(weight, token, target):
    return 2 * _logit_slope(weight, token, target).T @ weight[token]


def wrong_to_the_rows_of_the_targets(weight, token, target):
    each = _logit_slope(weight, token, target)
    return (each.T @ weight[token]).index_add(0, target.clamp(min=0), each @ weight)


def wrong_sign(weight, token, target):
    return -table_gradient(weight, token, target)


def wrong_divided_by_all_rows(weight, token, target):
    return table_gradient(weight, token, target) * (target != -100).sum() / len(target)


def wrong_of_the_sum(weight, token, target):
    return table_gradient(weight, token, target) * (target != -100).sum()


def wrong_ignored_ones_push_too(weight, token, target):
    counts = target != -100
    hit = F.one_hot(target.clamp(min=0), len(weight)) * counts[:, None]
    each = ((weight[token] @ weight.T).softmax(1) - hit) / counts.sum()
    return (each.T @ weight[token]).index_add(0, token, each @ weight)


def wrong_ignored_taken_for_class_0(weight, token, target):
    return table_gradient(weight, token, target.clamp(min=0))
