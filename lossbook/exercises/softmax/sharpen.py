"""A temperature after the fact.

The logits are lost and only probabilities are left, one row for each sample.
Return what the softmax would have been at `temperature`, also when it is 0.001, and when some probabilities are 0.

Nudge: Are the lost logits needed, or is any set of logits with these probabilities as good?

Sketch: log p is a set of logits of p. Divide it by the temperature and take the softmax of each row.

Why: The powers p ** (1 / T) over their sum are the same on paper, and 0 / 0 for a small T: 0.3 ** 1000 is 0. In the
logarithm only the distance to the largest counts, and a p of 0 stays 0.
"""

import torch

from .._draw import number, shares

KIND = "build"
LEVEL = 2
MINUTES = 8
AFTER = ["softmax.stable"]
TAKES = {"p": shares("N", "C", along="C"), "temperature": number(0.05, 20)}
FILLED = ()
AT = {
    "a probability of 0": {"p": [[0.8, 0.2, 0.0]], "temperature": 0.5},
    "a probability of 0, hot": {"p": [[0.8, 0.2, 0.0]], "temperature": 20.0},
    "a very low temperature": {"p": [[0.3, 0.3, 0.2, 0.2], [0.1, 0.2, 0.3, 0.4]], "temperature": 0.001},
}


def size(p, temperature):
    steps = (p.log() / temperature).nan_to_num(neginf=0.0)  # a rounding of a logarithm, before it is divided
    return exact(p, temperature) * steps.abs()


def sharpen(p, temperature):
    return torch.softmax(p.log() / temperature, dim=1)


def exact(p, temperature):
    return (p.log() / temperature).softmax(dim=1)


def right_scaled_powers(p, temperature):
    q = (p / p.amax(1, keepdim=True)) ** (1 / temperature)
    return q / q.sum(1, keepdim=True)


def right_log_softmax(p, temperature):
    return torch.log_softmax(torch.log(p) / temperature, 1).exp()


def wrong_softmax_of_p(p, temperature):
    return torch.softmax(p / temperature, dim=1)


def wrong_powers(p, temperature):
    """Refused by: a very low temperature."""
    q = p ** (1 / temperature)
    return q / q.sum(1, keepdim=True)


def wrong_inverse(p, temperature):
    q = p**temperature
    return q / q.sum(1, keepdim=True)


def wrong_not_normalised(p, temperature):
    return p ** (1 / temperature)


def wrong_epsilon(p, temperature):
    return torch.softmax((p + 1e-8).log() / temperature, dim=1)


def wrong_tiny_epsilon(p, temperature):
    return torch.softmax((p + 1e-30).log() / temperature, dim=1)
