"""Choose the loss for a machine that sorts out.

A machine looks at parts and sorts out those with `output > 0`; a linear model gives `output`, one number for each part.
`target` is 1 for a part with a defect, about a quarter of them.
A defect that gets through costs 8, a good part that is sorted out costs 1.
Choose the loss, one number for a batch.
The judge trains the model with it until the loss falls no further.
Then it adds up what the machine's decisions cost on parts that were held out: at most 10 % more than those of somebody
who knows every part's probability of a defect.

Nudge: At which probability of a defect do both decisions cost the same?

Sketch: At 1/9. A model of that probability would say so at a logit of -log 8: move that point to 0, by a weight on
the yes or by adding a number before the loss.

Why: Here `pos_weight=8` is no cure for a rare class, it is the price list: it multiplies the odds by 8, so
the zero of the output lies where both decisions cost the same. Without it the machine sorts out from one half on, and
pays twice as much; a weight of negatives per positive, 3, answers a question that nobody asked. The other way is to
train `output - log 8` without a weight: there the probabilities stay right.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

from .._cases import Case
from .._train import fitted

KIND = "choose"
LEVEL = 2
MINUTES = 10


def cases():
    for _ in range(2):
        x = torch.randn(2200, 3)
        p = (x @ torch.tensor([1.5, -1.0, 0.5]) - 1.6).sigmoid()
        args = [x[:1200], torch.bernoulli(p[:1200]), x[1200:]]
        yield Case("parts that were held out", args, ["inputs", "target", "new_inputs"], hidden={"truth": p[1200:]})


def run(loss, inputs, target, new_inputs):
    model = nn.Linear(3, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    fitted(nn.Sequential(model, nn.Flatten(0)), loss, inputs, target, steps=20)
    return model(new_inputs).squeeze(-1)


def loss(output, target):
    return F.binary_cross_entropy_with_logits(output, target, pos_weight=torch.tensor(8.0))


def check_cost(came, inputs, target, new_inputs, *, truth):
    paid = torch.where(came > 0, 1 - truth, 8 * truth).mean()
    more = (paid / torch.minimum(1 - truth, 8 * truth).mean() - 1).item()
    assert more < 0.1, f"the decisions cost {100 * more:.3g} % more than they need to; asked for is less than 10 %"


def right_point_moved(output, target):
    return F.binary_cross_entropy_with_logits(output - math.log(8), target)


def right_weight_of_each_entry(output, target):
    return F.binary_cross_entropy_with_logits(output, target, weight=1 + 7 * target, reduction="sum")


def right_two_terms(output, target):
    return (8 * target * F.softplus(-output) + (1 - target) * F.softplus(output)).mean()


def wrong_no_weight(output, target):
    return F.binary_cross_entropy_with_logits(output, target)


def wrong_negatives_per_positive(output, target):
    return F.binary_cross_entropy_with_logits(output, target, pos_weight=(1 - target).sum() / target.sum())


def wrong_weight_on_everything(output, target):
    return F.binary_cross_entropy_with_logits(output, target, weight=torch.tensor(8.0))


def wrong_weight_on_the_good_parts(output, target):
    return F.binary_cross_entropy_with_logits(output, target, pos_weight=torch.tensor(1 / 8))


def wrong_point_moved_the_wrong_way(output, target):
    return F.binary_cross_entropy_with_logits(output + math.log(8), target)


def wrong_squared_error(output, target):
    return F.mse_loss(output, target)
