"""The floor of a second softmax.

Somebody puts a softmax before the loss, and asks what the loss is once the network is right and sure of it.
With ten classes this prints a number that no training goes below:

```python
logits = 1000 * F.one_hot(torch.tensor([3]), 10).float()
print(F.cross_entropy(logits.softmax(dim=1), torch.tensor([3])))
```

What does it print for that many `classes`?
Return the number, without torch.

Nudge: What does the second softmax, the one inside the loss, get to see?

Sketch: A 1 at the right class and a 0 at the others. Write the softmax of that, and take minus its logarithm.

Why: The inner softmax turns one 1 and C - 1 zeros into e / (e + C - 1), so the loss ends at log(1 + (C - 1) / e): 0.313
for 2 classes, 1.461 for 10, 5.909 for 1000, where log C is what guessing costs.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 4
TAKES = {"classes": number(2, 50_000, 2, 10, 1000, whole=True)}
WITHOUT = ["torch"]
SIZE = 100.0  # a sum over the classes


def printed(classes):
    return math.log(1 + (classes - 1) / math.e)


def exact(classes):
    return math.log1p((classes - 1) / math.e)


def right_minus_the_logarithm_of_the_share(classes):
    return -math.log(math.e / (math.e + classes - 1))


def right_log_sum_exp(classes):
    return math.log(math.exp(1) + (classes - 1) * math.exp(0)) - 1


def wrong_nothing_is_left(classes):
    return 0.0


def wrong_as_if_guessing(classes):
    return math.log(classes)


def wrong_one_class_too_many(classes):
    return math.log(1 + classes / math.e)


def wrong_the_share_itself(classes):
    return math.e / (math.e + classes - 1)


def wrong_of_ten_classes(classes):
    return 1.4612
