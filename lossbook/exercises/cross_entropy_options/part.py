"""One part of a weighted batch.

A weighted batch with ignored targets (−100) is too large and comes in parts.
Return the loss of one part so that the losses of all parts *add up* to `F.cross_entropy` of the whole batch;
`all_targets` holds the targets of all parts.
A part may have nothing left.

Nudge: What does the mean of the whole batch divide by, and which of its samples enter that number?

Sketch: The sum of this part's weighted losses, over the weights of all targets that are not -100.

Why: A mean of means gives each part the same say, however much weight it holds, and is NaN as soon as one part is
empty. A sum over one divisor, known before the first backward pass, can be split anywhere.
"""

import torch
import torch.nn.functional as F

from .._draw import Kind, index, positive, real
from .._exact import largest

KIND = "build"
LEVEL = 2
MINUTES = 12
AFTER = ["reductions_weights_masks.weighted"]


def _all_targets(shape, scale, drawn):
    """The targets of this part and of others."""
    others = torch.randint(drawn["sizes"]["C"], (5,)).masked_fill(torch.rand(5) < 0.3, -100)
    return torch.cat([others, drawn["target"], torch.zeros(1, dtype=torch.long)])


TAKES = {
    "logits": real("N", "C"),
    "target": index("N", of="C", ignored=True),
    "weight": positive("C"),
    "all_targets": Kind(_all_targets, of="C"),
}
FILLED = ()
GRADIENTS = ["logits"]


def size(logits, target, weight, all_targets):
    return 1 + largest(logits)


SLOPE_SIZE = 1.0
AT = {
    "nothing left": {
        "logits": [[1.0, 2.0], [0.0, 1.0]],
        "target": [-100, -100],
        "weight": [0.5, 2.0],
        "all_targets": [-100, -100, 0, 1],
    }
}


def part_loss(logits, target, weight, all_targets):
    total = weight[all_targets[all_targets != -100]].sum()
    return F.cross_entropy(logits, target, weight, reduction="sum") / total


def exact(logits, target, weight, all_targets):
    kept = target != -100
    losses = -logits[kept].log_softmax(1).gather(1, target[kept, None]).squeeze(1)
    return (weight[target[kept]] * losses).sum() / weight[all_targets[all_targets != -100]].sum()


def right_none_then_sum(logits, target, weight, all_targets):
    each = F.cross_entropy(logits, target, weight, reduction="none")
    return each.sum() / weight[all_targets[all_targets >= 0]].sum()


def right_counted(logits, target, weight, all_targets):
    present = all_targets[all_targets != -100]
    total = (weight * present.bincount(minlength=len(weight))).sum()
    return F.nll_loss(logits.log_softmax(1), target, weight, reduction="sum") / total


def wrong_mean_of_each_part(logits, target, weight, all_targets):
    return F.cross_entropy(logits, target, weight)


def wrong_mean_by_its_share_of_the_samples(logits, target, weight, all_targets):
    return F.cross_entropy(logits, target, weight) * len(target) / len(all_targets)


def wrong_divided_by_the_samples(logits, target, weight, all_targets):
    return F.cross_entropy(logits, target, weight, reduction="sum") / len(all_targets)


def wrong_divided_by_those_not_ignored(logits, target, weight, all_targets):
    count = (all_targets != -100).sum()
    return F.cross_entropy(logits, target, weight, reduction="sum") / count


def wrong_ignored_samples_counted_as_class_0(logits, target, weight, all_targets):
    total = weight[all_targets.clamp(min=0)].sum()
    return F.cross_entropy(logits, target, weight, reduction="sum") / total


def wrong_divided_by_its_own_weights(logits, target, weight, all_targets):
    own = weight[target[target != -100]].sum().clamp(min=1)
    return F.cross_entropy(logits, target, weight, reduction="sum") / own


def wrong_without_a_graph(logits, target, weight, all_targets):
    """Refused by: gradient."""
    total = weight[all_targets[all_targets != -100]].sum()
    return F.cross_entropy(logits.detach(), target, weight, reduction="sum") / total
