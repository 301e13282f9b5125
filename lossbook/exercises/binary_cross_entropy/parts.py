"""Choose the loss for what nobody wrote down.

Each machine has five parts, and is out of order as soon as one of them is.
The log has the machines only: `target` is 1 for one that is out of order, and what you want is how likely each *part*
is.
A linear model gives `output`, a score for each part, shape (N, 5), and `output.sigmoid()` are its predictions: the
probability that this part is out of order.
Parts fail independently of each other.
Choose the loss, one number for a batch.
The judge trains the model with it until the loss falls no further, and compares the predictions with the true
probabilities of parts that were held out: on average they may be off by 0.04.

Nudge: If you knew the five probabilities, how likely would it be that the machine works?

Sketch: It works if all five parts do, which is a product of five probabilities, better a sum of five logarithms. Put
the probability that it is out of order, minus expm1 of that sum, against what the log says of the machine.

Why: The label belongs to the machine, so it is the machine's probability that has to meet it: 1 minus the product of
(1 - p). Given to each part, the label makes every part look as likely to be broken as the machine, off by 0.3; the
largest score blames one part for what five of them did, and the mean of five probabilities has to be much larger to say
yes. A loss of probabilities is made for this: probabilities that were put together from others.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import fitted

KIND = "choose"
LEVEL = 2
MINUTES = 12


def cases():
    for _ in range(2):
        x = torch.randn(1100, 5, 2)
        p = (x @ torch.tensor([1.5, -1.0]) - 3).sigmoid()
        broken = torch.bernoulli(p).amax(1)
        args = [x[:1000], broken[:1000], x[1000:]]
        yield Case("parts that were held out", args, ["inputs", "target", "new_inputs"], hidden={"truth": p[1000:]})


def run(loss, inputs, target, new_inputs):
    model = nn.Linear(2, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    fitted(nn.Sequential(model, nn.Flatten(1)), loss, inputs, target, steps=20)
    return model(new_inputs).squeeze(-1).sigmoid()


def loss(output, target):
    log_works = F.logsigmoid(-output).sum(dim=1)
    return F.binary_cross_entropy(-torch.expm1(log_works), target)


def check_parts(came, inputs, target, new_inputs, *, truth):
    off = (came - truth).abs().mean().item()
    assert off < 0.04, f"the probabilities of the parts are off by {off:.2g} on average; asked for is less than 0.04"


def right_in_logarithms(output, target):
    log_works = F.logsigmoid(-output).sum(1)
    log_broken = (-log_works.expm1()).log()
    return -(target * log_broken + (1 - target) * log_works).mean()


def right_a_logit_of_the_machine(output, target):
    logit = F.softplus(output).sum(1).expm1().log()
    return F.binary_cross_entropy_with_logits(logit, target, reduction="sum")


def right_squared_error_of_the_machine(output, target):
    return F.mse_loss(1 - (1 - output.sigmoid()).prod(1), target)


def wrong_the_label_for_each_part(output, target):
    return F.binary_cross_entropy_with_logits(output, target[:, None].expand_as(output))


def wrong_the_largest_score(output, target):
    return F.binary_cross_entropy_with_logits(output.amax(1), target)


def wrong_mean_of_the_probabilities(output, target):
    return F.binary_cross_entropy(output.sigmoid().mean(1), target)


def wrong_sum_of_the_scores(output, target):
    return F.binary_cross_entropy_with_logits(output.sum(1), target)


def wrong_product_of_the_probabilities(output, target):
    return F.binary_cross_entropy(output.sigmoid().prod(1), target)


def wrong_a_fifth_of_the_label(output, target):
    return F.binary_cross_entropy_with_logits(output, (target[:, None] / 5).expand_as(output))
