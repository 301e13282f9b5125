"""Probability targets that survive everything.

Write the mean loss for probability targets, shape (N, C), in a form that stays right for logits around $10^4$, for
masked logits of −inf where the target is 0 (torch's own returns NaN), and for bfloat16 logits, whose loss comes back
in float32.

Nudge: Which of the steps is exact in bfloat16, and what is 0 times minus infinity?

Sketch: Go to float32 first, take log_softmax, replace the logarithm where the target is 0, and only then multiply.

Why: Zero times minus infinity is NaN; nan_to_num after the product would also hide a label on a masked class.
log_softmax subtracts the largest logit before anything is added to it, so 1e4 does not swallow log 3; and a loss that
was summed up in bfloat16 cannot be mended by .float() afterwards.
"""

import math
from dataclasses import replace

import torch
import torch.nn.functional as F

from .._draw import left_out, real, shares

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["log_softmax.stable"]
TAKES = {
    "logits": left_out(real("N", "C"), "target", -math.inf, where=lambda target: target == 0),
    "target": replace(shares("N", "C", along="C"), single=True),
}
GRADIENTS = ["logits"]
DTYPES = (torch.float64, torch.float32, torch.bfloat16)
RESULT = {torch.bfloat16: torch.float32}
SIZE = 1.0
AT = {
    "logits around 10 000": {"logits": [[1e4, 1e4, 1e4]], "target": [[0.2, 0.3, 0.5]]},
    "logits around -10 000": {"logits": [[-1e4, -1e4, -1e4]], "target": [[0.2, 0.3, 0.5]]},
    "rows far apart": {
        "logits": [[1e4, 1e4, 1e4], [-1e4, 9500.0, 9500.0]],
        "target": [[0.2, 0.3, 0.5], [0.5, 0.25, 0.25]],
    },
    "a masked class": {"logits": [[-math.inf, 1.0, 2.0]], "target": [[0.0, 0.25, 0.75]]},
    "a target on a masked class": {"logits": [[-math.inf, 1.0, 2.0]], "target": [[1.0, 0.0, 0.0]]},
}


def slope_size(logits, target):
    return 1 / max(len(logits), 1)


def soft_cross_entropy(logits, target):
    if logits.dtype != torch.double:
        logits = logits.float()
    log_q = logits.log_softmax(dim=1).masked_fill(target == 0, 0.0)
    return -(target * log_q).sum(dim=1).mean()


def exact(logits, target):
    wanted = target > 0
    terms = logits.log_softmax(1).where(wanted, 0.0)
    return -(target.where(wanted, 1.0) * terms).sum() / logits.shape[0]


def right_kept(logits, target):
    logits = logits if logits.dtype == torch.double else logits.float()
    log_q = torch.log_softmax(logits, 1)
    return (target * -torch.where(target > 0, log_q, torch.zeros_like(log_q))).sum(1).mean()


def right_shifted(logits, target):
    z = logits.to(torch.promote_types(logits.dtype, torch.float32))
    z = z - z.amax(1, keepdim=True)
    log_q = (z - z.exp().sum(1, keepdim=True).log()).masked_fill(target == 0, 0.0)
    return -torch.einsum("nc,nc->n", target.to(z.dtype), log_q).mean()


def wrong_torch(logits, target):
    return F.cross_entropy(logits, target)


def wrong_torch_in_float32(logits, target):
    return F.cross_entropy(logits.float(), target.float())


def wrong_the_definition(logits, target):
    p = logits.exp() / logits.exp().sum(1, keepdim=True)
    return -(target * p.log()).sum(1).mean()


def wrong_a_small_number_in_the_logarithm(logits, target):
    return -(target * (logits.softmax(1) + 1e-8).log()).sum(1).mean()


def wrong_log_sum_exp_added_back(logits, target):
    """Refused by: logits around 10 000."""
    logits = logits if logits.dtype == torch.double else logits.float()
    picked = (target * logits.masked_fill(target == 0, 0)).sum(1)
    return (logits.logsumexp(1) - picked).mean()


def wrong_one_maximum_for_the_whole_batch(logits, target):
    """Refused by: rows far apart."""
    logits = logits if logits.dtype == torch.double else logits.float()
    z = logits - logits.max()
    log_q = z - z.exp().sum(1, keepdim=True).log()
    return -(target * log_q.masked_fill(target == 0, 0)).sum(1).mean()


def wrong_nan_replaced_afterwards(logits, target):
    """Refused by: a target on a masked class."""
    logits = logits if logits.dtype == torch.double else logits.float()
    return -(target * logits.log_softmax(1)).nan_to_num(0.0).sum(1).mean()


def wrong_float32_too_late(logits, target):
    """Refused by: dtypes."""
    log_q = logits.log_softmax(1).masked_fill(target == 0, 0)
    loss = -(target * log_q).sum(1).mean()
    return loss if logits.dtype == torch.double else loss.float()


def wrong_detached(logits, target):
    """Refused by: gradient."""
    logits = logits if logits.dtype == torch.double else logits.float()
    z = logits - logits.amax(1, keepdim=True)
    log_q = z - z.exp().sum(1, keepdim=True).log().detach()
    return -(target * log_q.masked_fill(target == 0, 0)).sum(1).mean()
