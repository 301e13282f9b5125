"""A weight that does nothing.

A class is rare, and its mistakes are to count `weight` times.
The batch does not fit, so the same two samples are also sent one by one, and the losses averaged:

```python
log_q = torch.tensor([[q, 1 - q], [q, 1 - q]], dtype=torch.float64).log()
target = torch.tensor([0, 1])
weights = torch.tensor([1.0, weight], dtype=torch.float64)
print(F.nll_loss(log_q, target, weight=weights))
one, other = (F.nll_loss(log_q[[n]], target[[n]], weight=weights) for n in (0, 1))
print((one + other) / 2)
```

What are the two numbers, for a `q` between 0 and 1 and that `weight`?
Return them, without torch.

Nudge: By what does the mean divide when there are weights? What is that in a batch of one?

Sketch: It divides by the sum of the weights of the labels that are there. With one label its weight is above the line
and below it.

Why: "mean" is a weighted mean, so in a batch of one the weight cancels, and with batches of one class it does nothing
at all: for q = 0.9 and a weight of 10 the batch costs 2.10 and the halves 1.20 on average. Sum the weighted losses, and
divide by the weights of all parts.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 8
TAKES = {"q": number(0.02, 0.98, 0.9, evenly=True), "weight": number(0.1, 100, 10.0)}
WITHOUT = ["torch"]


def printed(q, weight):
    one, other = -math.log(q), -math.log(1 - q)
    return (one + weight * other) / (1 + weight), (one + other) / 2


def exact(q, weight):
    one, other = -math.log(q), -math.log1p(-q)
    return (one + weight * other) / (1 + weight), 0.5 * one + 0.5 * other


def right_shares(q, weight):
    share = weight / (1 + weight)
    return -(1 - share) * math.log(q) - share * math.log(1 - q), -math.log(q * (1 - q)) / 2


def right_roots(q, weight):
    whole = math.log(q) / (1 + weight) + math.log(1 - q) * weight / (1 + weight)
    return -whole, -math.log(math.sqrt(q * (1 - q)))


def wrong_divided_by_the_samples(q, weight):
    both = (-math.log(q) - weight * math.log(1 - q)) / 2
    return both, both


def wrong_the_same_twice(q, weight):
    whole = (-math.log(q) - weight * math.log(1 - q)) / (1 + weight)
    return whole, whole


def wrong_weight_kept_alone(q, weight):
    one, other = -math.log(q), -math.log(1 - q)
    return (one + weight * other) / (1 + weight), (one + weight * other) / 2


def wrong_sign(q, weight):
    one, other = math.log(q), math.log(1 - q)
    return (one + weight * other) / (1 + weight), (one + other) / 2


def wrong_probabilities(q, weight):
    return -(q + weight * (1 - q)) / (1 + weight), -0.5


def wrong_weight_of_the_other(q, weight):
    one, other = -math.log(q), -math.log(1 - q)
    return (weight * one + other) / (1 + weight), (one + other) / 2
