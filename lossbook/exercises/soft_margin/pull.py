r"""The pull of each label.

Return the gradient of torch's *mean* soft margin loss with respect to the scores, in the shape of `input`, without
autograd; it holds for scores of $\pm 1000$.
Labels are −1 and 1, and some are 0 by mistake, which torch accepts.

Nudge: What is the derivative of log(1 + exp(-m)), and what is m where the label is 0, whatever the score is?

Sketch: With m = y s the chain rule gives -y times a sigmoid. Of m or of -m? The pull is nearly 1 where m is far
below 0.

Why: It is -y sigmoid(-y s) / N: at most 1 / N, one half of that at a score of 0, and never 0. A label of 0 makes it 0,
and still counts in N, so torch learns from the ones alone and the zeros make the step smaller.
"""

import torch

from .._draw import one_of, real

KIND = "derive"
LEVEL = 1
MINUTES = 6
TAKES = {"input": real("..."), "target": one_of(-1.0, 0.0, 1.0, axes=("...",))}
WITHOUT = ["autograd"]
AT = {"scores of 1000": {"input": [-1000.0, 1000.0, 1000.0], "target": [1.0, -1.0, 0.0]}}


def size(input, target):
    return 1 / max(input.numel(), 1)  # sigmoid and label, before one is taken off the other


def pull(input, target):
    return -target * torch.sigmoid(-target * input) / input.numel()


def exact(input, target):
    m = target * input
    wrong = torch.where(m > 0, (-m.abs()).exp(), torch.ones_like(m)) / (1 + (-m.abs()).exp())
    return -target * wrong / max(input.numel(), 1)


def right_prediction_minus_target(input, target):
    each = torch.sigmoid(input) - (target + 1) / 2
    return torch.where(target == 0, 0.0, each) / input.numel()


def right_tanh(input, target):
    return -target * (1 - torch.tanh(target * input / 2)) / (2 * input.numel())


def wrong_sign(input, target):
    return target * torch.sigmoid(-target * input) / input.numel()


def wrong_of_the_sum(input, target):
    return -target * torch.sigmoid(-target * input)


def wrong_sigmoid_of_the_right_side(input, target):
    return -target * torch.sigmoid(target * input) / input.numel()


def wrong_zeros_taken_for_minus_1(input, target):
    y = torch.where(target == 0, -1.0, target)
    return -y * torch.sigmoid(-y * input) / input.numel()


def wrong_zeros_not_counted(input, target):
    return -target * torch.sigmoid(-target * input) / (target != 0).sum().clamp(min=1)


def wrong_label_forgotten(input, target):
    return -torch.sigmoid(-target * input) / input.numel()


def wrong_hinge(input, target):
    return -target * (target * input < 1) / input.numel()


def wrong_formula_as_torch_has_it(input, target):
    """Refused by: scores of 1000."""
    z = torch.exp(-target * input)
    return -target * z / (1 + z) / input.numel()
