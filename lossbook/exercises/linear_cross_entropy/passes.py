"""A fault in each pass.

This loss goes through the batch `rows` rows at a time, makes its gradients on the way, and keeps nothing else.
It was tested on 64 rows in chunks of 16, all with a target, as the only loss of a model, and passed.
Now some targets are `-100`, the last chunk is short, and the model has a second loss beside it, weighted `0.1 * loss`.
Value and gradients are wrong: one fault is in `forward`, one in `backward`.
Repair both, so that it is `F.cross_entropy(features @ weight.T, target)` in value and gradients, whatever the chunks.

Nudge: What counts more in this mean, a row of a full chunk or a row of a chunk with a single target? And what does
backward do with what arrives?

Sketch: Count the targets of the whole batch once, add up the losses, and divide sums by that count. By the chain rule,
what arrives at the loss multiplies both gradients.

Why: A mean of means is the mean only if all parts are of one size, so the row of a chunk with one target counted as
much as 16 others, and a chunk without targets made the loss NaN. The gradient that arrives is 1 where the loss is
alone, which is why the test passed; under 0.1 * loss, gradient accumulation or a GradScaler it is not.
"""

import torch
import torch.nn.functional as F

from .._cases import WIDE
from .._draw import index, number, real
from .._exact import largest

KIND = "repair"
LEVEL = 2
MINUTES = 12
TAKES = {
    "features": real("N", "D"),
    "weight": real("C", "D"),
    "target": index("N", of="C", ignored=True),
    "rows": number(1, 6, whole=True),
}
GRADIENTS = ["features", "weight"]
LEAST = {"N": 2, "D": 1, "C": 1}
DTYPES = WIDE
AT = {
    "a chunk without targets": {
        "features": [[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [-1.0, 1.0]],
        "weight": [[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]],
        "target": [-100, -100, 2, 0],
        "rows": 2,
    }
}


def size(features, weight, target, rows):
    return largest(features.abs() @ weight.abs().T)


def slope_size(features, weight, target, rows):
    return largest(features, weight) * (1 + size(features, weight, target, rows))  # roundings of a logit move q


def broken(features, weight, target, rows):
    class InChunks(torch.autograd.Function):
        @staticmethod
        def forward(ctx, features, weight):
            losses, slopes, d_weight = [], [], torch.zeros_like(weight)
            for h, y in zip(features.split(rows), target.split(rows), strict=True):
                logits, there = h @ weight.T, y != -100
                losses.append(F.cross_entropy(logits, y))
                slope = logits.softmax(1) - F.one_hot(y.clamp(min=0), len(weight))
                slope = slope * there[:, None] / there.sum()
                slopes.append(slope @ weight)
                d_weight += slope.T @ h
            n = len(losses)
            ctx.save_for_backward(torch.cat(slopes) / n, d_weight / n)
            return torch.stack(losses).mean()

        @staticmethod
        def backward(ctx, arriving):
            return ctx.saved_tensors

    return InChunks.apply(features, weight)


def in_chunks(features, weight, target, rows):
    class InChunks(torch.autograd.Function):
        @staticmethod
        def forward(ctx, features, weight):
            losses, slopes, d_weight = [], [], torch.zeros_like(weight)
            n = (target != -100).sum()
            for h, y in zip(features.split(rows), target.split(rows), strict=True):
                logits, there = h @ weight.T, y != -100
                losses.append(F.cross_entropy(logits, y, reduction="sum"))
                slope = logits.softmax(1) - F.one_hot(y.clamp(min=0), len(weight))
                slope = slope * there[:, None] / n
                slopes.append(slope @ weight)
                d_weight += slope.T @ h
            ctx.save_for_backward(torch.cat(slopes), d_weight)
            return torch.stack(losses).sum() / n

        @staticmethod
        def backward(ctx, arriving):
            d_features, d_weight = ctx.saved_tensors
            return arriving * d_features, arriving * d_weight

    return InChunks.apply(features, weight)


def exact(features, weight, target, rows):
    return F.cross_entropy(features @ weight.T, target)


def right_all_at_once(features, weight, target, rows):
    return F.cross_entropy(features @ weight.T, target)


def right_sums_over_one_count(features, weight, target, rows):
    parts = zip(features.split(rows), target.split(rows), strict=True)
    sums = [F.cross_entropy(h @ weight.T, y, reduction="sum") for h, y in parts]
    return torch.stack(sums).sum() / (target != -100).sum()


def right_means_weighted_by_their_targets(features, weight, target, rows):
    losses, counts = [], []
    for h, y in zip(features.split(rows), target.split(rows), strict=True):
        there = y != -100
        if there.any():
            losses.append(F.cross_entropy(h[there] @ weight.T, y[there]))
            counts.append(there.sum())
    share = torch.stack(counts).to(weight.dtype)
    return (torch.stack(losses) * share).sum() / share.sum()


def _right_forward(features, weight, target, of_arriving):
    """The right value, with gradients that the way back makes of what arrives."""

    class InChunks(torch.autograd.Function):
        @staticmethod
        def forward(ctx, features, weight):
            with torch.enable_grad():
                h, w = features.detach().requires_grad_(), weight.detach().requires_grad_()
                loss = F.cross_entropy(h @ w.T, target)
                ctx.save_for_backward(*torch.autograd.grad(loss, (h, w)))
            return loss.detach()

        @staticmethod
        def backward(ctx, arriving):
            return of_arriving(arriving, *ctx.saved_tensors)

    return InChunks.apply(features, weight)


def wrong_forward_alone_repaired(features, weight, target, rows):
    """Refused by: gradient."""
    return _right_forward(features, weight, target, lambda arriving, d_features, d_weight: (d_features, d_weight))


def wrong_backward_alone_repaired(features, weight, target, rows):
    parts = zip(features.split(rows), target.split(rows), strict=True)
    return torch.stack([F.cross_entropy(h @ weight.T, y) for h, y in parts]).mean()


def wrong_chunks_without_targets_left_out(features, weight, target, rows):
    parts = zip(features.split(rows), target.split(rows), strict=True)
    return torch.stack([F.cross_entropy(h @ weight.T, y) for h, y in parts if (y != -100).any()]).mean()


def wrong_divided_by_all_rows(features, weight, target, rows):
    parts = zip(features.split(rows), target.split(rows), strict=True)
    return torch.stack([F.cross_entropy(h @ weight.T, y, reduction="sum") for h, y in parts]).sum() / len(target)


def wrong_weighted_by_the_rows_of_a_chunk(features, weight, target, rows):
    parts = zip(features.split(rows), target.split(rows), strict=True)
    return sum(F.cross_entropy(h @ weight.T, y) * len(y) for h, y in parts) / len(target)


def wrong_what_arrives_reaches_one_of_two(features, weight, target, rows):
    """Refused by: gradient."""
    return _right_forward(
        features, weight, target, lambda arriving, d_features, d_weight: (arriving * d_features, d_weight)
    )
