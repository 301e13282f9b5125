"""Parts that add up.

You get lists of logits and of class indices, one pair for each part of a batch, where $-100$ marks a target to ignore.
Return a list with one loss for each part, such that their sum has the value and the gradient of cross entropy over all
parts at once.
A part may have no target at all.

Nudge: What does cross entropy over all parts divide by, and what do you divide each part by?

Sketch: Count the targets that are not -100 in all parts first; then each part is a sum divided by that count.

Why: A mean for each part gives the tokens of short parts more weight, and is NaN for a part without targets. The sum of
nothing is 0, so with one count for all parts neither happens. In lossbook: normalizer=count.
"""

import torch
import torch.nn.functional as F

from ...functional import cross_entropy
from .._cases import WIDE, Case

KIND = "build"
LEVEL = 2
MINUTES = 15
AFTER = ["reductions_weights_masks.weighted"]
GRADIENTS = ["logits"]
SIZE = 10.0


def slope_size(logits, targets):
    return 1 / sum(len(part) for part in logits)


def cases():
    for label, sizes in (
        ("value", (7, 3, 5)),
        ("shapes", (1, 9)),
        ("shapes", (1100, 8)),
        ("a part without targets", (6, 6, 4)),
    ):
        for dtype in WIDE:
            logits = [3 * torch.randn(size, 5, dtype=dtype) for size in sizes]
            targets = [torch.randint(5, (size,)).masked_fill(torch.rand(size) < 0.4, -100) for size in sizes]
            targets[0][0] = 2
            if label == "a part without targets":
                targets[1] = torch.full_like(targets[1], -100)
            yield Case(label, [logits, targets], ["logits", "targets"], dtype)


def run(answer, logits, targets):
    losses = answer(logits, targets)
    if not isinstance(losses, list | tuple) or len(losses) != len(logits):
        raise TypeError(f"expected a list of {len(logits)} losses, got {type(losses).__name__}")
    return torch.stack(list(losses)).sum()


def part_losses(logits, targets):
    count = sum((target != -100).sum() for target in targets)
    return [F.cross_entropy(x, y, reduction="sum") / count for x, y in zip(logits, targets, strict=True)]


def exact(logits, targets):
    return cross_entropy(torch.cat(logits), torch.cat(targets))


def right_kept_first(logits, targets):
    count = sum(int((target != -100).sum()) for target in targets)
    losses = []
    for x, y in zip(logits, targets, strict=True):
        log_p = x[y != -100].log_softmax(1)
        losses.append(-log_p.gather(1, y[y != -100].unsqueeze(1)).sum() / count)
    return losses


def right_normalizer(logits, targets):
    count = (torch.cat(targets) != -100).sum()
    return [cross_entropy(x, y, normalizer=count) for x, y in zip(logits, targets, strict=True)]


def wrong_mean_of_means(logits, targets):
    return [F.cross_entropy(x, y) / len(logits) for x, y in zip(logits, targets, strict=True)]


def wrong_counts_the_ignored(logits, targets):
    count = sum(len(target) for target in targets)
    return [F.cross_entropy(x, y, reduction="sum") / count for x, y in zip(logits, targets, strict=True)]


def wrong_weighted_means(logits, targets):
    """Refused by: a part without targets."""
    count = sum((target != -100).sum() for target in targets)
    return [F.cross_entropy(x, y) * (y != -100).sum() / count for x, y in zip(logits, targets, strict=True)]


def wrong_sums(logits, targets):
    return [F.cross_entropy(x, y, reduction="sum") for x, y in zip(logits, targets, strict=True)]


def wrong_taken_off_the_list(logits, targets):
    """Refused by: nothing changed."""
    count, losses = sum((target != -100).sum() for target in targets), []
    while targets:
        losses.append(F.cross_entropy(logits.pop(0), targets.pop(0), reduction="sum") / count)
    return losses


def wrong_the_whole_first(logits, targets):
    """Refused by: gradient."""
    whole = F.cross_entropy(torch.cat(logits), torch.cat(targets)).detach()
    return [whole / len(logits) for _ in logits]
