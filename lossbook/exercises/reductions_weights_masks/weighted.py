"""The weighted mean.

Write weighted cross entropy from log-probabilities, with `ignore_index=-100`, so that it equals torch's.

Nudge: What should a sample with weight 2 do to the divisor, and what an ignored one?

Sketch: Drop the ignored rows first. Then pick one log-probability and one weight for each target.

Why: The divisor is the sum of the weights of the targets that are there, so a batch of one is not weighted at all. An
index of -100 wraps around in gather or raises: drop such rows before you look anything up.
"""

import torch.nn.functional as F

from .._draw import index, log_shares, positive

KIND = "build"
LEVEL = 2
MINUTES = 10
AFTER = ["reductions_weights_masks.masked"]
TAKES = {
    "log_probs": log_shares("N", "C", along="C"),
    "target": index("N", of="C", ignored=True),
    "weight": positive("C"),
}
GRADIENTS = ["log_probs"]
SCALES = (1e-3, 0.1, 1.0, 30.0, 1e3)


def weighted_nll(log_probs, target, weight):
    keep = target != -100
    log_probs, target = log_probs[keep], target[keep]
    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)
    return -(weight[target] * picked).sum() / weight[target].sum()


def exact(log_probs, target, weight):
    return (
        -log_probs[target != -100].gather(1, target[target != -100, None]).squeeze(1)
        @ weight[target[target != -100]]
        / weight[target[target != -100]].sum()
    )


def right_torch(log_probs, target, weight):
    return F.nll_loss(log_probs, target, weight)


def right_indexed(log_probs, target, weight):
    keep = (target != -100).nonzero()[:, 0]
    w = weight[target[keep]]
    return -(w * log_probs[keep, target[keep]]).sum() / w.sum()


def right_safe_index(log_probs, target, weight):
    keep = target != -100
    safe = target.where(keep, 0)
    w = weight[safe] * keep
    picked = log_probs.gather(1, safe[:, None])[:, 0].masked_fill(~keep, 0.0)
    return -(w * picked).sum() / w.sum()


def wrong_every_negative_index_ignored(log_probs, target, weight):
    """Refused by: an index that is no class."""
    keep = target >= 0
    log_probs, target = log_probs[keep], target[keep]
    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)
    return -(weight[target] * picked).sum() / weight[target].sum()


def wrong_divides_by_the_count(log_probs, target, weight):
    keep = target != -100
    log_probs, target = log_probs[keep], target[keep]
    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)
    return -(weight[target] * picked).mean()


def wrong_sum_of_all_weights(log_probs, target, weight):
    keep = target != -100
    log_probs, target = log_probs[keep], target[keep]
    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)
    return -(weight[target] * picked).sum() / weight.sum()


def wrong_ignored_ones_as_class_0(log_probs, target, weight):
    target = target.clamp(min=0)
    picked = log_probs.gather(1, target.unsqueeze(1)).squeeze(1)
    return -(weight[target] * picked).sum() / weight[target].sum()


def wrong_no_weights(log_probs, target, weight):
    return F.nll_loss(log_probs, target)
