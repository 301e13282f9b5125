r"""Mistakes with a price.

To take class $y$ for class $i$ costs `price[y, i]`, and the right score should lead the score of each class $i$ by
that much.
Write the loss of each sample, shape (N), in the form of Crammer and Singer: what the worst rival lacks, at least 0.
What stands on the diagonal of `price` is of no account.

Nudge: Which row of the price list does a sample need? And what would the right class owe itself?

Sketch: price[target] has one row for each sample; add scores minus the right score, put 0 at the right class, and take
the largest of each row.

Why: With the right class at 0 the largest of a row is never negative, so no clamp is needed; with whatever the diagonal
holds, a sample pays for being right. This is the structured hinge: any price of any two answers will do, and the loss
is never below the price of the answer with the highest score.
"""

import torch
import torch.nn.functional as F

from .._draw import index, positive, real
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["multi_margin.pull"]
TAKES = {"scores": real("N", "C"), "target": index("N", of="C"), "price": positive("C", "C")}
LEAST = {"C": 2}
FILLED = ()
AT = {
    "a dear diagonal": {
        "scores": [[5.0, 0.0, 1.0], [0.0, 2.0, 1.5]],
        "target": [0, 1],
        "price": [[9.0, 1.0, 2.0], [1.0, 9.0, 3.0], [1.0, 1.0, 9.0]],
    },
}


def size(scores, target, price):
    return largest(scores) + largest(price)


def priced(scores, target, price):
    right = target[:, None]
    lacks = price[target] + (scores - scores.gather(1, right))
    return lacks.scatter(1, right, 0.0).amax(dim=1)


def exact(scores, target, price):
    losses = [
        max([0 * row[y], *(price[y, i] + row[i] - row[y] for i in range(len(row)) if i != y)])
        for row, y in zip(scores, target.tolist(), strict=True)
    ]
    return torch.stack(losses) if losses else scores.sum(1)


def right_diagonal_taken_off(scores, target, price):
    free = price - torch.diag(price.diagonal())
    return (free[target] + scores).amax(1) - scores.gather(1, target[:, None]).squeeze(1)


def right_masked(scores, target, price):
    own = F.one_hot(target, scores.shape[1]).bool()
    lead = scores.gather(1, target[:, None]) - scores
    return (price[target] - lead).masked_fill(own, -torch.inf).amax(1).clamp(min=0)


def wrong_diagonal_counts(scores, target, price):
    return (price[target] + scores - scores.gather(1, target[:, None])).amax(1).clamp(min=0)


def wrong_bought_the_other_way(scores, target, price):
    right = target[:, None]
    lacks = price.T[target] + (scores - scores.gather(1, right))
    return lacks.scatter(1, right, 0.0).amax(dim=1)


def wrong_sum_over_the_rivals(scores, target, price):
    right = target[:, None]
    lacks = price[target] + (scores - scores.gather(1, right))
    return lacks.scatter(1, right, 0.0).relu().mean(dim=1)


def wrong_margin_of_1(scores, target, price):
    right = target[:, None]
    lacks = 1 + (scores - scores.gather(1, right))
    return lacks.scatter(1, right, 0.0).amax(dim=1)


def wrong_price_as_a_factor(scores, target, price):
    right = target[:, None]
    lacks = (1 + (scores - scores.gather(1, right))).relu() * price[target]
    return lacks.scatter(1, right, 0.0).amax(dim=1)


def wrong_below_zero(scores, target, price):
    own = F.one_hot(target, scores.shape[1]).bool()
    lead = scores.gather(1, target[:, None]) - scores
    return (price[target] - lead).masked_fill(own, -torch.inf).amax(1)


def wrong_price_of_the_highest_score(scores, target, price):
    said = scores.argmax(1)
    return price[target, said] * (said != target)
