"""Which of them will fail.

`target` says of each row of `inputs` whether a machine failed within the year: 1 or 0, and -1 where nobody looked.
The columns of `inputs` are four readings, each in a unit of its own.
Return for each row of `new_inputs` how likely a failure is, shape `(rows,)`, as an insurer would multiply it by money.
The mean of these has to be right to within a quarter, and each one has to be worth something.
For that, the cross entropy in excess of the best one has to be less than a fifth of the base rate's.

Nudge: What share of the machines that somebody looked at failed, and what is the largest number among the readings?

Sketch: Leave out the rows that say nothing, standardise the readings with what the training rows have, and train a
logit on the labels as they are.

Why: A -1 that is taken for a 0 teaches that machines nobody looked at were sound, and the mean ends at half of what it
should be. A pos_weight makes the rare class loud and every likelihood too large, which a threshold forgives and an
insurer does not. And readings in thousands beside readings in hundredths leave a gradient step of any one size useless
for one of them.
"""

import torch
import torch.nn.functional as F

from .._cases import Case

KIND = "project"
SECONDS = 10.0
LEVEL = 3
MINUTES = 40


def cases():
    for _ in range(2):
        z = torch.randn(9000, 4)
        sure = (z @ torch.tensor([1.6, -1.0, 0.8, 0.0]) - 3.6).sigmoid()
        target = torch.bernoulli(sure).masked_fill(torch.rand(9000) < 0.5, -1.0)
        inputs = z * torch.tensor([1.0, 900.0, 0.02, 15.0]) + torch.tensor([3.0, 5000.0, 0.1, -40.0])
        yield Case(
            "machines that were held out",
            [inputs[:8000], target[:8000], inputs[8000:]],
            ["inputs", "target", "new_inputs"],
            hidden={"truth": sure[8000:]},
        )


def chances(inputs, target, new_inputs):
    known = target >= 0
    mean, std = inputs.mean(0), inputs.std(0)
    weights = torch.zeros(5, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=30, line_search_fn="strong_wolfe")

    def logits(rows):
        return (rows - mean) / std @ weights[:4] + weights[4]

    def closure():
        optimiser.zero_grad()
        loss = F.binary_cross_entropy_with_logits(logits(inputs[known]), target[known])
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        return logits(new_inputs).sigmoid()


def check_mean(came, inputs, target, new_inputs, *, truth):
    assert 0 <= came.min() <= came.max() <= 1, (
        f"a likelihood is between 0 and 1, got {came.min():.3g} to {came.max():.3g}"
    )
    off = (came.mean() / truth.mean() - 1).item()
    assert abs(off) < 0.25, f"the mean is off by {100 * off:+.2g} %; asked for is less than 25 %"


def check_worth(came, inputs, target, new_inputs, *, truth):
    def excess(guess):
        return (torch.xlogy(truth, truth / guess) + torch.xlogy(1 - truth, (1 - truth) / (1 - guess))).mean().item()

    part = excess(came.clamp(1e-7, 1 - 1e-7)) / excess(truth.mean().expand_as(truth))
    assert part < 0.2, f"the excess is {part:.2g} of what the base rate has; asked for is less than 0.2"


def _fitted(loss, inputs, target, new_inputs):
    mean, std = inputs.mean(0), inputs.std(0)
    weights = torch.zeros(5, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=30, line_search_fn="strong_wolfe")

    def logits(rows):
        return (rows - mean) / std @ weights[:4] + weights[4]

    def closure():
        optimiser.zero_grad()
        value = loss(logits(inputs), target)
        value.backward()
        return value

    optimiser.step(closure)
    with torch.no_grad():
        return logits(new_inputs).sigmoid()


def right_a_weight_of_0(inputs, target, new_inputs):
    def loss(logits, target):
        each = F.binary_cross_entropy_with_logits(logits, target.clamp(min=0), reduction="none")
        return (each * (target >= 0)).sum() / (target >= 0).sum()

    return _fitted(loss, inputs, target, new_inputs)


def right_summed_by_hand(inputs, target, new_inputs):
    def loss(logits, target):
        return (F.softplus(logits) - target * logits)[target >= 0].sum() / 1000

    return _fitted(loss, inputs, target, new_inputs)


def wrong_unknown_is_sound(inputs, target, new_inputs):
    def loss(logits, target):
        return F.binary_cross_entropy_with_logits(logits, target.clamp(min=0))

    return _fitted(loss, inputs, target, new_inputs)


def wrong_minus_1_as_a_target(inputs, target, new_inputs):
    return _fitted(F.binary_cross_entropy_with_logits, inputs, target, new_inputs)


def wrong_pos_weight(inputs, target, new_inputs):
    known = target >= 0

    def loss(logits, target):
        weight = (1 - target).sum() / target.sum()
        return F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight)

    return _fitted(loss, inputs[known], target[known], new_inputs)


def wrong_base_rate(inputs, target, new_inputs):
    return target[target >= 0].mean().expand(len(new_inputs)).clone()


def wrong_sure_of_itself(inputs, target, new_inputs):
    known = target >= 0
    return (_fitted(F.binary_cross_entropy_with_logits, inputs[known], target[known], new_inputs) > 0.5).float()


def wrong_readings_as_they_are(inputs, target, new_inputs):
    known = target >= 0
    weights = torch.zeros(4, requires_grad=True)
    optimiser = torch.optim.SGD([weights], lr=1e-7)
    for _ in range(50):
        optimiser.zero_grad()
        F.binary_cross_entropy_with_logits(inputs[known] @ weights, target[known]).backward()
        optimiser.step()
    return (new_inputs @ weights).sigmoid()
