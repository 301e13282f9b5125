"""A mixture with learned shares.

$K$ experts give scores (N, K, C), and a gate gives scores (N, K) for how much each expert counts for a sample.
Return the log-probabilities of the mixture, (N, C), right for scores of size 1000 too.

Nudge: The mixture is a sum over the experts of share times probability. What is that in logarithms?

Sketch: log_softmax of both, each over its own axis; add them, and log-sum-exp over the experts.

Why: A product is a sum of logarithms, and a sum is a log-sum-exp, so nothing ever leaves the logarithms. Averaging
scores before the softmax is another model, and the logarithm of a mixed softmax is -inf where every expert is sure.
"""

import math

import torch

from .._draw import real
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 12
AFTER = ["log_softmax.mixture"]
TAKES = {"scores": real("N", "K", "C"), "gate": real("N", "K")}
GRADIENTS = ["scores", "gate"]
SCALES = (1e-3, 0.1, 1.0, 30.0, 1e3)
AT = {
    "every expert is sure": {
        "scores": [[[11000.0, 1.0, 0.0], [12000.0, -5.0, 5.0]]],
        "gate": [[0.5, -1000.0]],
    }
}


def size(scores, gate):
    return 1 + largest(scores, gate)


def slope_size(scores, gate):
    return (1 + largest(scores, gate)) * scores.shape[2] ** 0.5  # of a sum of what arrives


def mixture(scores, gate):
    log_q = scores.log_softmax(dim=2)
    log_share = gate.log_softmax(dim=1).unsqueeze(2)
    return (log_share + log_q).logsumexp(dim=1)


def exact(scores, gate):
    return (scores.log_softmax(2) + gate.log_softmax(1)[:, :, None]).logsumexp(1)


def right_normalised_late(scores, gate):
    log_q = scores - scores.logsumexp(2, keepdim=True)
    return (gate.unsqueeze(2) + log_q).logsumexp(1) - gate.logsumexp(1, keepdim=True)


def right_expert_by_expert(scores, gate):
    shares = torch.log_softmax(gate, 1)
    total = shares[:, :1] + torch.log_softmax(scores[:, 0], 1)
    for k in range(1, scores.shape[1]):
        total = torch.logaddexp(total, shares[:, k : k + 1] + torch.log_softmax(scores[:, k], 1))
    return total


def wrong_logarithm_of_the_mixed_softmax(scores, gate):
    """Refused by: every expert is sure."""
    return (gate.softmax(1).unsqueeze(2) * scores.softmax(2)).sum(1).log()


def wrong_mixed_scores(scores, gate):
    return (gate.softmax(1).unsqueeze(2) * scores).sum(1).log_softmax(1)


def wrong_mixed_logarithms(scores, gate):
    return (gate.softmax(1).unsqueeze(2) * scores.log_softmax(2)).sum(1)


def wrong_equal_shares(scores, gate):
    return scores.log_softmax(2).logsumexp(1) - math.log(scores.shape[1])


def wrong_gate_not_normalised(scores, gate):
    return (gate.unsqueeze(2) + scores.log_softmax(2)).logsumexp(1)


def wrong_experts_not_normalised(scores, gate):
    return (gate.log_softmax(1).unsqueeze(2) + scores).logsumexp(1).log_softmax(1)


def wrong_softmax_over_the_experts(scores, gate):
    return (gate.log_softmax(1).unsqueeze(2) + scores.log_softmax(1)).logsumexp(1)
