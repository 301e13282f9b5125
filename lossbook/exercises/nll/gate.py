r"""What the gate is told.

$K$ experts have given the label of each sample log-probabilities `log_q`, shape (N, K); the scores `gate`, shape (N, K)
too, say through a softmax how much each expert counts.
The loss is the sum over the samples of $-\log \sum_k \mathrm{softmax}(\text{gate})_k\, q_k$.
Return its derivative by `gate`, without autograd, also where every $q_k$ is 0 in floating point.

Nudge: Write the loss as a difference of two log-sum-exps. What is the slope of a log-sum-exp?

Sketch: The loss is the log-sum-exp of the gate minus that of the gate plus log q, each with a softmax for a slope.

Why: A share is compared with what the share becomes once the label is known, the expert's responsibility for it; where
the two agree the gate rests. That is the first half of the EM algorithm. Through probabilities the responsibility is
0 / 0 as soon as all experts are far off; the softmax of a sum of logarithms is not.
"""

import math

import torch

from .._draw import real
from .._exact import largest

KIND = "derive"
LEVEL = 2
MINUTES = 12
AFTER = ["nll.mixture"]
TAKES = {"gate": real("N", "K"), "log_q": real("N", "K")}
WITHOUT = ["autograd"]
SCALES = (1e-3, 0.1, 1.0, 30.0, 1e3)
AT = {
    "every expert is far off": {
        "gate": [[0.0, 1.0, 2.0], [0.0, 0.0, 0.0]],
        "log_q": [[-2000.0, -2001.0, -2003.0], [-900.0, -math.inf, -901.0]],
    }
}


def size(gate, log_q):
    return 1 + largest(gate, log_q)


def gate_gradient(gate, log_q):
    return gate.softmax(dim=1) - (gate + log_q).softmax(dim=1)


def exact(gate, log_q):
    known = gate + log_q
    responsible = (known - known.logsumexp(1, keepdim=True)).exp()
    return (gate - gate.logsumexp(1, keepdim=True)).exp() - responsible


def right_logarithms(gate, log_q):
    log_share = gate.log_softmax(1)
    joint = log_share + log_q
    return log_share.exp() - (joint - joint.logsumexp(1, keepdim=True)).exp()


def right_largest_out(gate, log_q):
    share = torch.softmax(gate, 1)
    joint = gate + log_q
    weight = (joint - joint.amax(1, keepdim=True)).exp()
    return share - weight / weight.sum(1, keepdim=True)


def wrong_through_probabilities(gate, log_q):
    """Refused by: every expert is far off."""
    share = gate.softmax(1)
    joint = share * log_q.exp()
    return share - joint / joint.sum(1, keepdim=True)


def wrong_sign(gate, log_q):
    return (gate + log_q).softmax(1) - gate.softmax(1)


def wrong_experts_without_the_gate(gate, log_q):
    return gate.softmax(1) - log_q.softmax(1)


def wrong_mean_of_the_losses(gate, log_q):
    return (gate.softmax(1) - (gate + log_q).softmax(1)) / len(gate)


def wrong_the_best_expert(gate, log_q):
    best = torch.nn.functional.one_hot((gate + log_q).argmax(1), gate.shape[1])
    return gate.softmax(1) - best.to(gate)


def wrong_by_the_shares(gate, log_q):
    return -(log_q - (gate.log_softmax(1) + log_q).logsumexp(1, keepdim=True)).exp()


def wrong_average_of_log_probabilities(gate, log_q):
    share = gate.softmax(1)
    return share * ((share * log_q).sum(1, keepdim=True) - log_q)


def wrong_over_the_samples(gate, log_q):
    return gate.softmax(0) - (gate + log_q).softmax(0)
