"""The ruler.

Write the cross entropy of the best model that looks at no input, from the class indices alone.
A class that never occurs must not matter.

Nudge: Which probabilities does the best such model give, and what is 0 * log 0?

Sketch: Count the classes, divide by the number of samples, and average -log of the share over the samples.

Why: The best constant prediction is the frequency of each class, and its mean loss is their entropy. Averaged over the
samples, a class that never occurs is never looked up, so 0 * log 0 does not arise; log(classes) is right only when all
classes are as frequent.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import index, size_of

KIND = "build"
LEVEL = 1
MINUTES = 5
TAKES = {"target": index("N", of="C"), "classes": size_of("C")}
LEAST = {"N": 1}
DTYPES = (torch.float64,)
ANY_DTYPE = True  # counts have none
SIZE = 1.0
PRECISION = torch.float32
AT = {
    "classes that never occur": {"target": [1, 3, 1, 3], "classes": 5},
    "one class": {"target": [2, 2, 2], "classes": 3},
}


def know_nothing_loss(target, classes):
    share = target.bincount(minlength=classes) / len(target)
    return -share[target].log().mean()


def exact(target, classes):
    count = target.bincount(minlength=classes).double()
    return count.sum().log() - torch.xlogy(count, count).sum() / count.sum()


def right_entr(target, classes):
    share = target.bincount(minlength=classes) / len(target)
    return torch.special.entr(share).sum()


def right_cross_entropy_of_log_shares(target, classes):
    log_share = (target.bincount(minlength=classes) / len(target)).log()
    return F.cross_entropy(log_share.expand(len(target), classes), target)


def wrong_uniform(target, classes):
    return torch.tensor(math.log(classes))


def wrong_0_log_0(target, classes):
    share = target.bincount(minlength=classes) / len(target)
    return -(share * share.log()).sum()


def wrong_in_bits(target, classes):
    share = target.bincount(minlength=classes) / len(target)
    return -share[target].log2().mean()


def wrong_a_mean_over_classes(target, classes):
    share = target.bincount(minlength=classes) / len(target)
    return -share[share > 0].log().mean()


def wrong_epsilon(target, classes):
    share = target.bincount(minlength=classes) / len(target)
    return -(share[target] + 1e-6).log().mean()
