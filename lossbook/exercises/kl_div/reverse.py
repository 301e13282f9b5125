r"""The gradient of the reverse direction.

With $q$ = softmax of the logits, return the gradient of $\sum_n \mathrm{KL}(q_n \| p_n)$ with respect to the logits,
both arguments of shape (N, C), `log_p` log-probabilities.
Autograd is switched off.

Nudge: Let r = log q - log p. KL is the mean of r under q; how does q change with the logits?

Sketch: Each class gets q times what its r lies above the mean of r, and the mean is the divergence itself.

Why: The derivative of log q itself drops out, because q adds up to 1. The factor q in front is why this direction
ignores a class that the model does not mention: nothing pulls on it. The forward gradient, q - p, has no such factor.
"""

import torch

from .._draw import log_shares, real
from .._exact import largest

KIND = "derive"
LEVEL = 3
MINUTES = 15
AFTER = ["softmax.backward"]
TAKES = {"logits": real("N", "C"), "log_p": log_shares("N", "C", along="C")}
WITHOUT = ["autograd"]
SCALES = (1e-3, 0.1, 1.0, 30.0, 1e3)
AT = {"logits of size 2000": {"logits": [[2000.0, 1999.0, 0.0]], "log_p": [[-1.0, -0.5, -3.0]]}}


def size(logits, log_p):
    return 1 + largest(logits, log_p)


def reverse_gradient(logits, log_p):
    log_q = logits.log_softmax(dim=1)
    q, r = log_q.exp(), log_q - log_p
    return q * (r - (q * r).sum(dim=1, keepdim=True))


def exact(logits, log_p):
    log_q = logits.log_softmax(1)
    divergence = (log_q.exp() * (log_q - log_p)).sum(1, keepdim=True)
    return log_q.exp() * (log_q - log_p - divergence)


def right_two_terms(logits, log_p):
    log_q = torch.log_softmax(logits, 1)
    pull = log_q.exp() * (log_q - log_p)
    return pull - log_q.exp() * pull.sum(1, keepdim=True)


def right_any_constant(logits, log_p):
    q, r = logits.softmax(1), logits - log_p
    return q * (r - (q * r).sum(1, keepdim=True))


def wrong_the_forward_gradient(logits, log_p):
    return logits.softmax(1) - log_p.exp()


def wrong_gradient_for_q(logits, log_p):
    log_q = logits.log_softmax(1)
    return log_q - log_p + 1


def wrong_mean_not_taken_off(logits, log_p):
    log_q = logits.log_softmax(1)
    return log_q.exp() * (log_q - log_p)


def wrong_mean_without_weights(logits, log_p):
    log_q = logits.log_softmax(1)
    r = log_q - log_p
    return log_q.exp() * (r - r.mean(1, keepdim=True))


def wrong_divided_by_the_batch(logits, log_p):
    log_q = logits.log_softmax(1)
    q, r = log_q.exp(), log_q - log_p
    return q * (r - (q * r).sum(1, keepdim=True)) / len(q)


def wrong_logarithm_of_a_softmax(logits, log_p):
    """Refused by: logits of size 2000."""
    q = logits.softmax(1)
    r = q.log() - log_p
    return q * (r - (q * r).sum(1, keepdim=True))


def wrong_in_place(logits, log_p):
    """Refused by: nothing changed."""
    logits -= logits.logsumexp(1, keepdim=True)
    q, r = logits.exp(), logits - log_p
    return q * (r - (q * r).sum(1, keepdim=True))
