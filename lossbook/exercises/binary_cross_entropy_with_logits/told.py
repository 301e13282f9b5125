"""What a weight makes of a rate.

One logit is trained on samples that all look alike, and a weight is on the yes.

```python
target = torch.tensor(10 * [1.0] + 90 * [0.0])
logit, nine = torch.zeros(1, requires_grad=True), torch.tensor(9.0)
optimiser = torch.optim.SGD([logit], lr=0.3)
for _ in range(500):
    optimiser.zero_grad()
    loss = F.binary_cross_entropy_with_logits(logit.expand(100), target, pos_weight=nine)
    loss.backward()
    optimiser.step()
print(logit.sigmoid(), loss)
```

What does it print, trained for as long as it takes, for so many `yes`, so many `no` and that `pos_weight`?
Return both numbers, without torch.

Nudge: A weight of 9 on each of 10 samples: how many samples without a weight pull as much?

Sketch: Count each yes as often as its weight says, and give the share. The loss is the weighted sum of the two
logarithms, divided by what the mean divides by, which does not know of the weight.

Why: The probability is w yes / (w yes + no), one half for 10, 90 and 9, where a tenth is true: the weight multiplies
the odds. The loss ends at 1.248, more than the log 2 that guessing costs without a weight, because the yes terms are
multiplied and the divisor is still 100. Two weighted losses say nothing about each other.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 8
TAKES = {
    "yes": number(1, 1000, 10, whole=True),
    "no": number(1, 1000, 90, whole=True),
    "pos_weight": number(0.1, 100, 9.0, 1.0),
}
WITHOUT = ["torch"]


def size(yes, no, pos_weight):
    total = pos_weight * yes + no
    return (1 + abs(math.log(total))) * total / (yes + no)


def printed(yes, no, pos_weight):
    p = pos_weight * yes / (pos_weight * yes + no)
    loss = -(pos_weight * yes * math.log(p) + no * math.log(1 - p)) / (yes + no)
    return p, loss


def exact(yes, no, pos_weight):
    odds = pos_weight * yes / no
    cost_of_yes, cost_of_no = math.log1p(1 / odds), math.log1p(odds)
    return odds / (1 + odds), (pos_weight * yes * cost_of_yes + no * cost_of_no) / (yes + no)


def right_of_the_logit(yes, no, pos_weight):
    logit = math.log(pos_weight) + math.log(yes) - math.log(no)
    total = pos_weight * yes * math.log1p(math.exp(-logit)) + no * math.log1p(math.exp(logit))
    return 1 / (1 + math.exp(-logit)), total / (yes + no)


def right_counted(yes, no, pos_weight):
    heavy = pos_weight * yes
    total = heavy + no
    entropy = math.log(total) - (heavy * math.log(heavy) + no * math.log(no)) / total
    return heavy / total, entropy * total / (yes + no)


def wrong_the_true_rate(yes, no, pos_weight):
    return yes / (yes + no), printed(yes, no, pos_weight)[1]


def wrong_the_rate_times_the_weight(yes, no, pos_weight):
    return min(1.0, pos_weight * yes / (yes + no)), printed(yes, no, pos_weight)[1]


def wrong_divided_by_the_weights(yes, no, pos_weight):
    p, loss = printed(yes, no, pos_weight)
    return p, loss * (yes + no) / (pos_weight * yes + no)


def wrong_loss_without_the_weight(yes, no, pos_weight):
    p = printed(yes, no, pos_weight)[0]
    return p, -(yes * math.log(p) + no * math.log(1 - p)) / (yes + no)


def wrong_weight_on_the_no(yes, no, pos_weight):
    return printed(yes, no, 1 / pos_weight)


def wrong_always_one_half(yes, no, pos_weight):
    return 0.5, printed(yes, no, pos_weight)[1]


def wrong_a_logit(yes, no, pos_weight):
    return math.log(pos_weight * yes / no), printed(yes, no, pos_weight)[1]
