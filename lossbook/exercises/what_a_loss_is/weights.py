r"""What a learned weight reports.

Two losses have come down to `first` and `second` and stay there.
The weight of each is learned beside the model, until `s` has stopped moving:

```python
losses = torch.tensor([first, second])
total = ((-s).exp() * losses + s).sum()
print(total)
print(((-s).exp() * losses)[0])  # the first loss, weighted, as it stands in the log
```

What do the two lines print?
Return the two numbers, without torch.

Nudge: Where is the derivative of exp(-s) L + s by s equal to 0?

Sketch: exp(-s) has become 1 / L. Put that into both terms, and add up over the two losses.

Why: The derivative 1 - exp(-s) L is 0 at s = log L, where a loss contributes 1 + log L. So the total is 2 + log(first *
second): negative below a product of 0.14, and legal. And each weighted loss is 1, whether it was 0.001 or 100: log
the losses themselves.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 6
TAKES = {"first": number(1e-4, 100, 0.001), "second": number(1e-4, 100)}
WITHOUT = ["torch"]
SIZE = 10.0


def printed(first, second):
    return 2 + math.log(first) + math.log(second), 1.0


def exact(first, second):
    return 2 + math.log(first * second), 1.0


def right_term_by_term(first, second):
    total = sum(math.exp(-math.log(loss)) * loss + math.log(loss) for loss in (first, second))
    return total, first / first


def right_logarithm_of_the_product(first, second):
    return math.log(first * second * math.exp(2)), 1


def wrong_weights_of_1(first, second):
    return first + second, first


def wrong_never_negative(first, second):
    return max(2 + math.log(first * second), 0.0), 1.0


def wrong_penalties_alone(first, second):
    return math.log(first * second), 1.0


def wrong_half_each(first, second):
    return 2 + math.log(first * second), 0.5


def wrong_the_loss_in_the_log(first, second):
    return 2 + math.log(first * second), first


def wrong_weight_in_the_log(first, second):
    return 2 + math.log(first * second), 1 / first
