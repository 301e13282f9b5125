"""What a row of 0 and 1 costs.

A sample has `labels` classes and has not `others`, each at least 1, and a new model gives 0 to all:

```python
classes = labels + others
there = torch.zeros(1, classes, dtype=torch.int64)
there[0, torch.randperm(classes)[:labels]] = 1
indices = torch.full((1, classes), -1)
indices[0, :labels] = there[0].nonzero().squeeze(1)
scores = torch.zeros(1, classes)
print(F.multilabel_margin_loss(scores, indices))
print(F.multilabel_margin_loss(scores, there))
```

What are the two numbers?
Return them, without torch.

Nudge: Which classes does the second row list, and how often?

Sketch: At equal scores each pair, one class listed and one not, costs 1; count the pairs and divide by the classes.

Why: The list has labels times the others as pairs, over C. The row of zeros and ones lists C classes, each of them 0 or
1 and both at least once, so each of its C entries is compared with the C - 2 classes from 2 on: C - 2, whatever the
labels were. A first loss that does not depend on the labels is the sign to look for: with 10 classes and one label it
is 8 and not 0.9.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 6
TAKES = {"labels": number(1, 100, 1, 4, whole=True), "others": number(1, 100, 1, 9, whole=True)}
WITHOUT = ["torch"]
AT = {
    "one of ten": {"labels": 1, "others": 9},
    "four of ten": {"labels": 4, "others": 6},
    "one of two": {"labels": 1, "others": 1},
    "half of a hundred": {"labels": 50, "others": 50},
}


def printed(labels, others):
    classes = labels + others
    return labels * others / classes, classes - 2.0


def exact(labels, others):
    return 1 / (1 / labels + 1 / others), (labels + others - 2) * 1.0


def right_pairs(labels, others):
    pairs = [(j, i) for j in range(labels) for i in range(others)]
    return len(pairs) / (labels + others), float(len(range(2, labels + others)))


def right_shares(labels, others):
    share = labels / (labels + others)
    return others * share, labels + others - 2.0


def wrong_the_same_twice(labels, others):
    listed = labels * others / (labels + others)
    return listed, listed


def wrong_not_divided(labels, others):
    classes = labels + others
    return float(labels * others), float(classes * (classes - 2))


def wrong_each_class_once(labels, others):
    classes = labels + others
    return labels * others / classes, 2 * (classes - 2) / classes


def wrong_class_1_alone(labels, others):
    classes = labels + others
    return labels * others / classes, labels * (classes - 1) / classes


def wrong_all_other_classes(labels, others):
    return float(others), labels + others - 1.0


def wrong_nothing(labels, others):
    return 0.0, 0.0
