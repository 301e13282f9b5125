r"""Unknown labels, infinite logits.

Write the mean loss over the labels that are known, for targets 1, 0 and −1 (unknown).
Logits may be as large as $\pm 10^4$, $\pm\infty$ where they are right, and anything, NaN included, where the label is
unknown; value and gradient stay right.

Nudge: What is NaN times 0, and what is infinity minus infinity? Can you avoid having either?

Sketch: Keep the known entries by indexing, not by multiplying. Turn the sign of the logit where the answer is no; the
loss of what happened is then one function of one number.

Why: A mask that multiplies keeps a NaN, and the gradient of a masked NaN is NaN too: entries have to be taken out
before anything is computed. With the sign of the label in the logit, nothing is subtracted, so an infinite logit of the
right sign costs exactly 0.
"""

import math

import torch
import torch.nn.functional as F

from .._draw import left_out, one_of, real

KIND = "build"
LEVEL = 3
MINUTES = 20
AFTER = ["reductions_weights_masks.masked"]
TAKES = {
    "logits": left_out(real("..."), "target", math.nan, math.inf, where=lambda target: target < 0),
    "target": one_of(1.0, 0.0, -1.0, axes=("...",)),
}
GRADIENTS = ["logits"]
ABSOLUTE = 3e-9  # F.softplus is the identity from 20 on
SLOPE_SIZE = 1.0
AT = {
    "infinite logits": {
        "logits": [-math.inf, math.inf, 3.0, math.nan, -math.inf],
        "target": [0.0, 1.0, 1.0, -1.0, -1.0],
    },
    "large logits": {"logits": [1e4, -1e4, 1e4, -1e4], "target": [0.0, 0.0, 1.0, 1.0]},
    "one label": {"logits": 2.0, "target": 1.0},
}


def known_loss(logits, target):
    known = target >= 0
    z, t = logits[known], target[known]
    return -F.logsigmoid(torch.where(t == 1, z, -z)).mean()


def exact(logits, target):
    known = target >= 0
    sign = 2 * target[known] - 1
    return -F.logsigmoid(sign * logits[known]).mean()


def right_filled(logits, target):
    known = target >= 0
    z = torch.where(known, logits, 0.0)
    each = F.softplus(torch.where(target > 0.5, -z, z))
    return torch.where(known, each, 0.0).sum() / known.sum()


def right_two_sides(logits, target):
    yes, no = logits[target == 1], logits[target == 0]
    total = F.softplus(-yes).sum() + F.softplus(no).sum()
    return total / (len(yes) + len(no)) if len(yes) + len(no) else total * math.nan


def wrong_times_the_mask(logits, target):
    known = target >= 0
    loss = F.softplus(torch.where(target == 1, -logits, logits))
    return (loss * known).sum() / known.sum()


def wrong_the_value_masked_not_the_gradient(logits, target):
    """Refused by: large logits."""
    known = target >= 0
    loss = (1 + torch.where(target == 1, -logits, logits).exp()).log()
    return torch.where(known, loss, 0.0).sum() / known.sum()


def wrong_mean_over_all_entries(logits, target):
    known = target >= 0
    z, t = logits[known], target[known]
    return -F.logsigmoid(torch.where(t == 1, z, -z)).sum() / target.numel()


def wrong_unknown_counts_as_no(logits, target):
    return -F.logsigmoid(torch.where(target == 1, logits, -logits)).mean()


def wrong_torch_s_loss_of_the_known(logits, target):
    """Refused by: infinite logits."""
    known = target >= 0
    return F.binary_cross_entropy_with_logits(logits[known], target[known])


def wrong_infinity_clamped_at_100(logits, target):
    """Refused by: large logits."""
    known = target >= 0
    z = logits[known].clamp(-100, 100)
    return F.binary_cross_entropy_with_logits(z, target[known])


def wrong_torch_s_loss_of_probabilities(logits, target):
    """Refused by: large logits."""
    known = target >= 0
    return F.binary_cross_entropy(logits[known].sigmoid(), target[known])
