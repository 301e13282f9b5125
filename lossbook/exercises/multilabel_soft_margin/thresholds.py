r"""A threshold for each label.

The probabilities of this script are good, and yet it hardly ever says yes to two of its four labels.
It is judged by macro F1: for each label $2\,\text{hits} / (\text{said} + \text{true})$, averaged over the labels.
Repair its decisions.
The judge trains it on a task of its own with four rare labels, two of them hard to tell, and compares with whoever
knows the true probabilities and the best threshold of each label: you have to reach 90 % of that F1, and the script as
it is reaches about two thirds.

Nudge: Say yes to one more sample of probability p: hits grow by p, what is said by 1. When does F1 gain?

Sketch: It gains where 2 p > F1, so the best threshold is half of the F1 that it reaches, for each label another one.
Or try thresholds on the training samples and keep the best of each label.

Why: One half is the threshold of accuracy, and the best one for F1 is never above it. Negatives over positives as
`pos_weight` puts the threshold at the label's rate, which is far too low where a rare label is easy to tell: four
times as many are said as are true. A `weight` of the label moves nothing.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import stepped

KIND = "repair"
LEVEL = 3
MINUTES = 15

SLOPES = torch.tensor([[3.0, 2.5, 0.8, -0.9], [-1.5, 2.0, -0.9, -0.3]])
OFFSETS = torch.tensor([-7.0, -6.5, -2.2, -2.2])


def cases():
    for _ in range(2):
        x = torch.randn(12000, 2)
        p = (x @ SLOPES + OFFSETS).sigmoid()
        args = [x[:4000], torch.bernoulli(p[:4000]), x[4000:]]
        yield Case("new samples", args, ["inputs", "target", "new_inputs"], hidden={"truth": p[4000:]})


def broken(inputs, target, new_inputs):
    model = nn.Linear(2, 4)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.multilabel_soft_margin_loss(model(inputs), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        return (model(new_inputs) > 0).float()


def train(inputs, target, new_inputs):
    model = nn.Linear(2, 4)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.3)
    for _ in range(60):
        optimiser.zero_grad()
        loss = F.multilabel_soft_margin_loss(model(inputs), target)
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        p, threshold = model(inputs).sigmoid(), torch.full((4,), 0.5)
        for _ in range(20):  # half of the F1 that it reaches
            said = (p > threshold).float()
            threshold = (said * target).sum(0) / (said.sum(0) + target.sum(0))
        return (model(new_inputs).sigmoid() > threshold).float()


def _f1(said, p):
    """The F1 to expect of decisions, for each label."""
    return 2 * (said * p).sum(0) / (said.sum(0) + p.sum(0))


def check_f1(came, inputs, target, new_inputs, *, truth):
    assert ((came == 0) | (came == 1)).all(), "a decision is 0 or 1"
    best = torch.stack([_f1((truth > percent / 100).float(), truth) for percent in range(2, 60, 2)]).amax(0).mean()
    part = (_f1(came.float(), truth).mean() / best).item()
    assert part > 0.9, f"macro F1 is {100 * part:.3g} % of what can be had; asked for is more than 90 %"


def _model(loss, inputs, target, **settings):
    model = nn.Linear(2, 4)
    return stepped(model, lambda: loss(model(inputs), target, **settings), lr=0.3, steps=60)


def _probabilities(inputs, target, new_inputs, weight=None):
    model = _model(F.binary_cross_entropy_with_logits, inputs, target, pos_weight=weight)
    return model(inputs).sigmoid().detach(), model(new_inputs).sigmoid().detach()


def right_searched_for_each_label(inputs, target, new_inputs):
    p, new = _probabilities(inputs, target, new_inputs)
    tried = torch.arange(1, 60) / 100
    f1 = torch.stack([_f1((p > t).float(), target) for t in tried])
    return (new > tried[f1.argmax(0)]).float()


def right_from_the_probabilities_alone(inputs, target, new_inputs):
    _, new = _probabilities(inputs, target, new_inputs)
    tried = torch.arange(1, 60) / 100
    f1 = torch.stack([_f1((new > t).float(), new) for t in tried])
    return (new > tried[f1.argmax(0)]).float()


def right_best_number_of_yes(inputs, target, new_inputs):
    _, new = _probabilities(inputs, target, new_inputs)
    sorted_p = new.sort(0, descending=True).values
    said = torch.arange(1, len(new) + 1)[:, None]
    best = (2 * sorted_p.cumsum(0) / (said + new.sum(0))).argmax(0)
    return (new >= sorted_p.gather(0, best[None])).float()


def wrong_pos_weight_by_the_counts(inputs, target, new_inputs):
    counts = (1 - target).sum(0) / target.sum(0)
    return (_probabilities(inputs, target, new_inputs, counts)[1] > 0.5).float()


def wrong_threshold_at_the_rate(inputs, target, new_inputs):
    return (_probabilities(inputs, target, new_inputs)[1] > target.mean(0)).float()


def wrong_always_yes(inputs, target, new_inputs):
    return torch.ones(len(new_inputs), 4)


def wrong_one_share_for_all_labels(inputs, target, new_inputs):
    _, new = _probabilities(inputs, target, new_inputs)
    return (new > new.quantile(1 - target.mean(), dim=0)).float()


def wrong_heavier_rare_labels(inputs, target, new_inputs):
    model = _model(F.multilabel_soft_margin_loss, inputs, target, weight=1 / target.mean(0))
    return (model(new_inputs) > 0).float()


def wrong_probabilities(inputs, target, new_inputs):
    return _probabilities(inputs, target, new_inputs)[1]
