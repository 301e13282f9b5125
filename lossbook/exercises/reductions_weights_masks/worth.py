r"""What a weight is worth.

A weighted mean is $L = \sum_i w_i \ell_i \big/ \sum_i w_i$.
Write its derivative by each weight, in one line and without autograd.

Nudge: What happens to the mean if you raise the weight of a sample whose loss is the mean?

Sketch: By the quotient rule, each loss minus the weighted mean, over the sum of the weights.

Why: A weight stands above and below the line. The derivative is (loss - L) / sum of the weights: a sample pulls the
mean to its own loss, so that a larger weight on an easy sample makes the loss smaller. Weighted by themselves, the
derivatives add up to 0, since a common factor of all weights changes nothing; whoever learns the weights without a
constraint learns to put all of them on the easiest sample.
"""

from .._draw import positive, real
from .._exact import largest, slope

KIND = "derive"
LEVEL = 2
MINUTES = 8
TAKES = {"losses": real("N"), "weights": positive("N")}
LEAST = {"N": 1}
WITHOUT = ["autograd"]
FILLED = ()


def size(losses, weights):
    return 2 * largest(losses) / weights.sum()


def gradient_of_weights(losses, weights):
    total = weights.sum()
    return (losses - (weights * losses).sum() / total) / total


def exact(losses, weights):
    return slope(lambda w: (w * losses).sum() / w.sum(), weights)


def right_shares(losses, weights):
    share = weights / weights.sum()
    return (losses - share @ losses) / weights.sum()


def right_quotient_rule(losses, weights):
    total = weights.sum()
    return losses / total - ((weights / total) * losses).sum() / total


def wrong_divisor_taken_as_constant(losses, weights):
    return losses / weights.sum()


def wrong_plain_mean(losses, weights):
    return (losses - losses.mean()) / weights.sum()


def wrong_by_the_losses(losses, weights):
    return weights / weights.sum()


def wrong_not_divided(losses, weights):
    return losses - (weights * losses).sum() / weights.sum()


def wrong_divided_by_the_count(losses, weights):
    return (losses - (weights * losses).sum() / weights.sum()) / len(losses)


def wrong_sign(losses, weights):
    return ((weights * losses).sum() / weights.sum() - losses) / weights.sum()
