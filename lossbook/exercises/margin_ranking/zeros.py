"""A loss that stops falling.

Somebody trains with labels 0 and 1, where the loss means -1 and 1.
In the end every pair is in the right order, by more than any margin asks for:

```python
first, second = 1000 * labels, 1000 * (1 - labels)
print(F.margin_ranking_loss(first, second, labels, margin=margin))
```

What does it print, if a `share` of the labels are 1 and the others 0?
Return the number, without torch.

Nudge: Put y = 0 into the formula. What is left of the two scores?

Sketch: A pair with label 1 leads by 1000 and costs nothing. A pair with label 0 costs the same, whatever its scores.

Why: Zero times the difference is zero, so such a pair costs the margin for ever, without a gradient: the loss stops at
the margin times the share of zeros, and the model learns from the other pairs alone. With 2 * labels - 1 it would be 0.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 4
TAKES = {"share": number(0, 1, 0.0, 0.5, 1.0), "margin": number(0.05, 20, 1.0)}
WITHOUT = ["torch"]


def printed(share, margin):
    return (1 - share) * margin


def exact(share, margin):
    return margin - share * margin


def right_two_groups(share, margin):
    return share * max(0, margin - 1000) + (1 - share) * max(0, margin - 0 * 1000)


def right_over_1000_pairs(share, margin):
    return (1000 * margin - 1000 * share * margin) / 1000


def wrong_nothing_is_left(share, margin):
    return 0.0


def wrong_margin_for_all(share, margin):
    return margin


def wrong_share_of_ones(share, margin):
    return share * margin


def wrong_as_if_minus_1(share, margin):
    return (1 - share) * (margin + 1000)


def wrong_margin_of_1(share, margin):
    return 1 - share
