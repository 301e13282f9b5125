"""The gradient by hand.

Return the gradient of `F.cross_entropy(logits, target, weight, label_smoothing=epsilon)` with respect to the logits,
shape (N, C), for index targets.
Autograd is switched off while you are checked.

Nudge: Write the loss of one sample as a sum over the classes of some factor times -log q. What are the factors?

Sketch: The factor of a class is its weight times its share of the smoothed target. The gradient of such a sum is the
sum of the factors times q, minus the factors; then divide by what the mean divides by, which is the same as without
smoothing.

Why: Without weights the factors add up to 1, and the gradient is q - p. With weights they add up to something else in
each row, and that is what q has to be multiplied by; else the gradient of a row would not add up to 0, which it must,
because softmax does not notice a constant. The mean divides by the weights of the right classes, whatever epsilon is.
"""

import torch
import torch.nn.functional as F

from .._draw import index, number, positive, real
from .._exact import largest, slope

KIND = "derive"
LEVEL = 3
MINUTES = 15
AFTER = ["cross_entropy.gradient"]
TAKES = {
    "logits": real("N", "C"),
    "target": index("N", of="C"),
    "weight": positive("C"),
    "epsilon": number(0, 0.9, 0.0, 0.1),
}
WITHOUT = ["autograd"]


def size(logits, target, weight, epsilon):
    return largest(weight) / weight[target].sum().clamp(min=1e-30) if len(target) else 1.0


def options_gradient(logits, target, weight, epsilon):
    classes = logits.shape[1]
    p = (1 - epsilon) * F.one_hot(target, classes).to(logits.dtype) + epsilon / classes
    factors = p * weight
    pull = factors.sum(dim=1, keepdim=True) * logits.softmax(dim=1) - factors
    return pull / weight[target].sum()


def exact(logits, target, weight, epsilon):
    def loss(z):
        return F.cross_entropy(z, target, weight, label_smoothing=epsilon)

    return slope(loss, logits)


def right_two_terms(logits, target, weight, epsilon):
    q = logits.softmax(1)
    right = weight[target, None] * (q - F.one_hot(target, logits.shape[1]))
    even = (weight.sum() * q - weight) / logits.shape[1]
    return ((1 - epsilon) * right + epsilon * even) / weight[target].sum()


def right_in_place(logits, target, weight, epsilon):
    factors = (epsilon / logits.shape[1] * weight).expand_as(logits).clone()
    factors.scatter_add_(1, target[:, None], ((1 - epsilon) * weight[target])[:, None])
    total = weight[target].sum()
    return (factors.sum(1, keepdim=True) * logits.softmax(1) - factors) / total


def wrong_weight_of_the_right_class(logits, target, weight, epsilon):
    classes = logits.shape[1]
    p = (1 - epsilon) * F.one_hot(target, classes).to(logits.dtype) + epsilon / classes
    return weight[target, None] * (logits.softmax(1) - p) / weight[target].sum()


def wrong_factors_not_summed(logits, target, weight, epsilon):
    classes = logits.shape[1]
    p = (1 - epsilon) * F.one_hot(target, classes).to(logits.dtype) + epsilon / classes
    return (logits.softmax(1) - p * weight) / weight[target].sum()


def wrong_weight_on_the_difference(logits, target, weight, epsilon):
    classes = logits.shape[1]
    p = (1 - epsilon) * F.one_hot(target, classes).to(logits.dtype) + epsilon / classes
    return weight * (logits.softmax(1) - p) / weight[target].sum()


def wrong_divided_by_the_samples(logits, target, weight, epsilon):
    classes = logits.shape[1]
    factors = weight * ((1 - epsilon) * F.one_hot(target, classes).to(logits.dtype) + epsilon / classes)
    return (factors.sum(1, keepdim=True) * logits.softmax(1) - factors) / len(target)


def wrong_divided_by_all_factors(logits, target, weight, epsilon):
    classes = logits.shape[1]
    factors = weight * ((1 - epsilon) * F.one_hot(target, classes).to(logits.dtype) + epsilon / classes)
    return (factors.sum(1, keepdim=True) * logits.softmax(1) - factors) / factors.sum()


def wrong_smoothed_over_the_others(logits, target, weight, epsilon):
    hot = F.one_hot(target, logits.shape[1]).to(logits.dtype)
    factors = weight * ((1 - epsilon) * hot + epsilon * (1 - hot) / max(logits.shape[1] - 1, 1))
    return (factors.sum(1, keepdim=True) * logits.softmax(1) - factors) / weight[target].sum()


def wrong_no_smoothing(logits, target, weight, epsilon):
    pull = weight[target, None] * (logits.softmax(1) - F.one_hot(target, logits.shape[1]))
    return pull / weight[target].sum()


def wrong_autograd_in_a_cell(logits, target, weight, epsilon):
    """Refused by: rules."""
    with torch.enable_grad():
        leaf = logits.detach().clone().requires_grad_()
        loss = F.cross_entropy(leaf, target, weight, label_smoothing=epsilon)
        return torch.autograd.grad(loss, leaf)[0]
