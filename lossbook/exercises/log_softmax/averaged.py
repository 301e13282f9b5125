"""What two sure models leave.

Two models are sure of different classes, each by a lead of `lead`, and somebody averages their log-probabilities:

```python
x = torch.tensor([[lead, 0.0], [0.0, lead]], dtype=torch.float64)
print(x.log_softmax(dim=1).mean(dim=0).exp().sum())
```

What does it print for that lead?
Return the number, without torch.

Nudge: Both classes get the same average. Of which two log-probabilities is it the average?

Sketch: One is the logarithm of a sigmoid of the lead, the other that of minus the lead. Half of their sum is the
logarithm of a root; there are two such classes.

Why: The mean of logarithms is the logarithm of a geometric mean, and geometric means do not add up to 1: both classes
share 2 sqrt(q (1 - q)), which is 1 / cosh(lead / 2). It is 0.99 for a lead of 0.3, 0.013 for 10, and a loss computed
from it charges both classes for a disagreement. The average of probabilities, by log-sum-exp, keeps 1.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 8
TAKES = {"lead": number(0.1, 12, 1.0, 10.0)}
WITHOUT = ["torch"]
ABSOLUTE = 1e-12


def printed(lead):
    return 1 / math.cosh(lead / 2)


def exact(lead):
    return 2 * math.exp(-lead / 2) / (1 + math.exp(-lead))


def right_root_of_a_product(lead):
    q = 1 / (1 + math.exp(-lead))
    return 2 * math.sqrt(q * (1 - q))


def right_logarithms(lead):
    first, second = -math.log1p(math.exp(-lead)), -math.log1p(math.exp(lead))
    return 2 * math.exp((first + second) / 2)


def wrong_a_distribution(lead):
    return 1.0


def wrong_one_class(lead):
    return 0.5 / math.cosh(lead / 2)


def wrong_product(lead):
    q = 1 / (1 + math.exp(-lead))
    return 2 * q * (1 - q)


def wrong_not_normalised(lead):
    return 2 * math.exp(lead / 2)


def wrong_the_mean_of_probabilities(lead):
    return 0.5


def wrong_of_the_whole_lead(lead):
    return 1 / math.cosh(lead)
