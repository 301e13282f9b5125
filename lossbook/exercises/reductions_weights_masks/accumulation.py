"""A trainer that splits its batch.

This script trains a linear classifier on texts of different lengths, in which -100 marks a token without a target.
The texts do not fit into memory together, so it adds up their gradients before each step.
Its weights are not those that one batch of all texts would give.
Repair it, and return the weights after the last step.

Nudge: How much does a token of a text with 2 targets count here, and one of a text with 40?

Sketch: Count the targets that are not -100 in all texts, once. Add up the losses of each text, and divide by that
count.

Why: cross_entropy divides by the targets of its own text, so with eight texts a token of a text with 2 targets gets the
weight 1/16 and one of a text with 40 targets 1/320. A text without targets, whose loss is NaN, has the gradient 0 and
still counts as a text. Sums divided by one count are exact, and the sum of nothing is 0; the same holds for the ranks
of a machine with several GPUs.
"""

import torch
import torch.nn.functional as F

from .._cases import WIDE, Case

KIND = "repair"
LEVEL = 2
MINUTES = 10
AFTER = ["reductions_weights_masks.parts"]
SIZE = 10.0


def cases():
    for label, sizes in (
        ("weights", (40, 2, 7)),
        ("one text", (9,)),
        ("texts of one length", (6, 6)),
        ("a text without targets", (8, 5, 6)),
    ):
        for dtype in WIDE:
            texts = [torch.randn(size, 4, dtype=dtype) for size in sizes]
            targets = [torch.randint(3, (size,)).masked_fill(torch.rand(size) < 0.4, -100) for size in sizes]
            targets[0][:3] = torch.tensor([0, 1, 2])
            if label == "a text without targets":
                targets[1] = torch.full_like(targets[1], -100)
            start = torch.randn(3, 4, dtype=dtype)
            yield Case(label, [start, texts, targets], ["start", "texts", "targets"], dtype)


def broken(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    for _ in range(3):
        optimiser.zero_grad()
        for text, target in zip(texts, targets, strict=True):
            loss = F.cross_entropy(text @ weight.T, target) / len(texts)
            loss.backward()
        optimiser.step()
    return weight.detach()


def train(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    count = sum((target != -100).sum() for target in targets)
    for _ in range(3):
        optimiser.zero_grad()
        for text, target in zip(texts, targets, strict=True):
            loss = F.cross_entropy(text @ weight.T, target, reduction="sum") / count
            loss.backward()
        optimiser.step()
    return weight.detach()


def exact(start, texts, targets):
    x, y, weight = torch.cat(texts), torch.cat(targets), start
    x, y = x[y != -100], y[y != -100]
    for _ in range(3):
        weight = weight - 0.5 * ((x @ weight.T).softmax(1) - F.one_hot(y, 3)).T @ x / len(y)
    return weight


def right_one_batch(start, texts, targets):
    weight = start.clone().requires_grad_()
    for _ in range(3):
        loss = F.cross_entropy(torch.cat(texts) @ weight.T, torch.cat(targets))
        (gradient,) = torch.autograd.grad(loss, weight)
        weight = (weight - 0.5 * gradient).detach().requires_grad_()
    return weight.detach()


def right_sums_divided_at_the_end(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    for _ in range(3):
        optimiser.zero_grad()
        count = 0
        for text, target in zip(texts, targets, strict=True):
            F.cross_entropy(text @ weight.T, target, reduction="sum").backward()
            count += int((target != -100).sum())
        weight.grad /= count
        optimiser.step()
    return weight.detach()


def wrong_not_divided_by_the_texts(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    for _ in range(3):
        optimiser.zero_grad()
        for text, target in zip(texts, targets, strict=True):
            F.cross_entropy(text @ weight.T, target).backward()
        optimiser.step()
    return weight.detach()


def wrong_padding_counts(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    count = sum(len(target) for target in targets)
    for _ in range(3):
        optimiser.zero_grad()
        for text, target in zip(texts, targets, strict=True):
            (F.cross_entropy(text @ weight.T, target, reduction="sum") / count).backward()
        optimiser.step()
    return weight.detach()


def wrong_a_step_for_each_text(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    count = sum((target != -100).sum() for target in targets)
    for _ in range(3):
        for text, target in zip(texts, targets, strict=True):
            optimiser.zero_grad()
            (F.cross_entropy(text @ weight.T, target, reduction="sum") / count).backward()
            optimiser.step()
    return weight.detach()


def wrong_empty_texts_skipped(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    full = [(text, target) for text, target in zip(texts, targets, strict=True) if (target != -100).any()]
    for _ in range(3):
        optimiser.zero_grad()
        for text, target in full:
            (F.cross_entropy(text @ weight.T, target) / len(full)).backward()
        optimiser.step()
    return weight.detach()


def right_means_weighted_by_count(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    count = sum((target != -100).sum() for target in targets)
    for _ in range(3):
        optimiser.zero_grad()
        for text, target in zip(texts, targets, strict=True):
            (F.cross_entropy(text @ weight.T, target) * (target != -100).sum() / count).backward()
        optimiser.step()
    return weight.detach()


def wrong_gradients_kept(start, texts, targets):
    weight = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([weight], lr=0.5)
    count = sum((target != -100).sum() for target in targets)
    for _ in range(3):
        for text, target in zip(texts, targets, strict=True):
            (F.cross_entropy(text @ weight.T, target, reduction="sum") / count).backward()
        optimiser.step()
    return weight.detach()
