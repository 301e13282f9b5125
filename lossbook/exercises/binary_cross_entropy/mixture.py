r"""A mixture of experts.

Each of K experts gives a logit for each sample, shape (N, K), and a gate gives K scores for each sample, whose softmax
says how far to trust each expert.
The probability of a yes is the average of the experts' probabilities, weighed by the gate.
Return the mean binary cross entropy, for targets of shape (N), right and with its gradient for logits up to $\pm
10^4$.

Nudge: A weighed sum of probabilities is a sum of exponentials of what?

Sketch: The logarithm of each gate weight plus that of each expert's yes, and log-sum-exp over the experts, is the
logarithm of the yes. Do the same for the no, with the sign of the logits turned.

Why: The probability of the mixture rounds to 0 or 1 as soon as all experts are sure, and then neither they nor the gate
learn. Averaging the logits, or the losses, is another model: the average of probabilities is a yes as soon as one
trusted expert says so.
"""

import torch
import torch.nn.functional as F

from .._draw import real, share
from .._exact import largest

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["nll.mixture"]
TAKES = {"logits": real("N", "K"), "gate": real("N", "K"), "target": share("N")}
GRADIENTS = ["logits", "gate"]
SCALES = (1e-3, 0.1, 1.0, 30.0, 1e3, 1e4)
ABSOLUTE = 3e-9  # F.softplus is the identity from 20 on
AT = {
    "experts sure and wrong": {
        "logits": [[60.0, 80.0, 100.0], [-1e3, -2e3, -1.5e3], [1e4, 2e4, 1.5e4], [-60.0, -70.0, -80.0]],
        "gate": [[0.0, 1.0, 2.0], [1.0, -1.0, 0.5], [0.3, 0.2, 0.1], [-2.0, 0.0, 2.0]],
        "target": [0.0, 1.0, 0.0, 1.0],
    }
}


def size(logits, gate, target):
    return 1 + largest(logits, gate)


slope_size = size


def mixture_loss(logits, gate, target):
    trust = gate.log_softmax(dim=1)
    log_yes = (trust + F.logsigmoid(logits)).logsumexp(dim=1)
    log_no = (trust + F.logsigmoid(-logits)).logsumexp(dim=1)
    return -(target * log_yes + (1 - target) * log_no).mean()


def exact(logits, gate, target):
    trust = gate.log_softmax(dim=1)
    log_yes = torch.logsumexp(trust + F.logsigmoid(logits), 1)
    log_no = torch.logsumexp(trust + F.logsigmoid(-logits), 1)
    return (-target * log_yes - (1 - target) * log_no).mean()


def right_softplus(logits, gate, target):
    trust = torch.log_softmax(gate, 1)
    log_yes = torch.logsumexp(trust - F.softplus(-logits), dim=1)
    log_no = torch.logsumexp(trust - F.softplus(logits), dim=1)
    return torch.mean(target * -log_yes + (target - 1) * log_no)


def right_both_at_once(logits, gate, target):
    pairs = torch.stack([F.logsigmoid(-logits), F.logsigmoid(logits)], dim=2)
    log_p = (gate.log_softmax(1).unsqueeze(2) + pairs).logsumexp(1)
    return -(torch.stack([1 - target, target], dim=1) * log_p).sum(1).mean()


def wrong_through_the_probability(logits, gate, target):
    """Refused by: experts sure and wrong."""
    p = (gate.softmax(1) * logits.sigmoid()).sum(1)
    return F.binary_cross_entropy(p, target)


def wrong_logits_averaged(logits, gate, target):
    return F.binary_cross_entropy_with_logits((gate.softmax(1) * logits).sum(1), target)


def wrong_losses_averaged(logits, gate, target):
    losses = F.binary_cross_entropy_with_logits(logits, target[:, None].expand_as(logits), reduction="none")
    return (gate.softmax(1) * losses).sum(1).mean()


def wrong_gate_not_normalised(logits, gate, target):
    log_yes = (gate + F.logsigmoid(logits)).logsumexp(1)
    log_no = (gate + F.logsigmoid(-logits)).logsumexp(1)
    return -(target * log_yes + (1 - target) * log_no).mean()


def wrong_gate_over_the_batch(logits, gate, target):
    trust = gate.log_softmax(0)
    log_yes = (trust + F.logsigmoid(logits)).logsumexp(1)
    log_no = (trust + F.logsigmoid(-logits)).logsumexp(1)
    return -(target * log_yes + (1 - target) * log_no).mean()


def wrong_a_small_number_in_the_logarithm(logits, gate, target):
    p = (gate.softmax(1) * logits.sigmoid()).sum(1)
    return -(target * (p + 1e-8).log() + (1 - target) * (1 - p + 1e-8).log()).mean()
