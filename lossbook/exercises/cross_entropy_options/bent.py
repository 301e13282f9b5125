"""What two options ask for together.

The last class has a weight, the others have 1, and labels are smoothed.
One row of logits is trained on a sample of class 0, another one on a sample of the last class:

```python
weight = torch.tensor([1.0, 1.0, 10.0])
for right in (torch.tensor([0]), torch.tensor([2])):
    logits = torch.zeros(1, 3, requires_grad=True)
    optimiser = torch.optim.SGD([logits], lr=0.5)
    for _ in range(3000):
        optimiser.zero_grad()
        F.cross_entropy(logits, right, weight, label_smoothing=0.1).backward()
        optimiser.step()
    print(logits.softmax(dim=1)[0, right])
```

What do the two rows end at, for that many `classes`, the last one's `weight` and the smoothing `epsilon`?
Return the probability of the right class in both, without torch.

Nudge: Which part of the smoothed label lies on each class, and by what is each part multiplied?

Sketch: The probability at the end is proportional to part times weight. Add the products up for each of the two
labels, and take the share of the right class.

Why: The weight multiplies the little share that each *wrong* class got by smoothing too. A sample of class 0, of which
smoothing alone makes 0.933, ends at 0.718 with a weight of 10, and one of the last class at 0.993. So the model is
unsure of the common classes, and surer of the rare one than it was told to be. A weight on the sample, by its class,
leaves both at 0.933.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 2
MINUTES = 8
AFTER = ["cross_entropy.floor"]
TAKES = {
    "classes": number(2, 1000, 2, 3, 10, whole=True),
    "weight": number(0.1, 100, 10.0),
    "epsilon": number(0.01, 0.9, 0.1),
}
WITHOUT = ["torch"]
SIZE = 1.0


def printed(classes, weight, epsilon):
    little = epsilon / classes
    large = 1 - epsilon + little
    common = large / (large + (classes - 2) * little + weight * little)
    rare = weight * large / (weight * large + (classes - 1) * little)
    return common, rare


def exact(classes, weight, epsilon):
    parts = [epsilon / classes] * classes
    weights = [1.0] * (classes - 1) + [weight]

    def end(right):
        asked = [
            w * (part + (1 - epsilon) * (c == right)) for c, (w, part) in enumerate(zip(weights, parts, strict=True))
        ]
        return asked[right] / math.fsum(asked)

    return end(0), end(classes - 1)


def right_odds(classes, weight, epsilon):
    ratio = 1 + classes * (1 - epsilon) / epsilon
    return ratio / (ratio + classes - 2 + weight), weight * ratio / (weight * ratio + classes - 1)


def right_all_of_it_minus_the_rest(classes, weight, epsilon):
    little = epsilon / classes
    large = 1 - (classes - 1) * little
    rest = (classes - 2 + weight) * little
    return 1 - rest / (rest + large), 1 - (classes - 1) * little / ((classes - 1) * little + weight * large)


def wrong_the_weight_changes_nothing(classes, weight, epsilon):
    large = 1 - epsilon + epsilon / classes
    return large, large


def wrong_the_whole_share_is_lost(classes, weight, epsilon):
    little, large = epsilon / (classes - 1), 1 - epsilon
    common = large / (large + (classes - 2 + weight) * little)
    return common, weight * large / (weight * large + (classes - 1) * little)


def wrong_weight_of_the_right_class_only(classes, weight, epsilon):
    return 1 - epsilon + epsilon / classes, printed(classes, weight, epsilon)[1]


def wrong_one_class_too_many(classes, weight, epsilon):
    little = epsilon / classes
    large = 1 - epsilon + little
    return large / (large + (classes - 1) * little + weight * little), printed(classes, weight, epsilon)[1]


def wrong_added_not_normalised(classes, weight, epsilon):
    little = epsilon / classes
    return 1 - epsilon + little, weight * (1 - epsilon + little)


def wrong_the_other_way_round(classes, weight, epsilon):
    return printed(classes, weight, epsilon)[::-1]


def wrong_weight_upside_down(classes, weight, epsilon):
    return printed(classes, 1 / weight, epsilon)
