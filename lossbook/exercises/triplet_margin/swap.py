"""What swap sees.

An anchor, a positive and a negative lie on a line.

```python
anchor, positive, negative = torch.tensor([[0.0]]), torch.tensor([[2.0]]), torch.tensor([[3.0]])
triplet = anchor, positive, negative
print(F.triplet_margin_loss(*triplet, margin=1.0, eps=0.0))
print(F.triplet_margin_loss(*triplet, margin=1.0, eps=0.0, swap=True))
```

What do the two lines print for a positive at `positive`, a negative at `negative` and that `margin`?
Return both numbers, without torch.

Nudge: Which of the two, anchor or positive, is nearer to the negative?

Sketch: The first takes the distance of the negative from the anchor, the second the smaller one of its two distances.
Neither is ever below 0.

Why: At 0, 2 and 3 the anchor has the lead of 1 that it asks for, so the loss is 0; but the negative is at a distance of
1 from the positive, and with swap the triplet costs 1 + 2 - 1 = 2. The minimum of the two distances is never larger
than the first, so swap only ever adds.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {
    "positive": number(-5, 5, 2.0, evenly=True),
    "negative": number(-5, 5, 3.0, evenly=True),
    "margin": number(0.1, 3, 1.0, evenly=True),
}
WITHOUT = ["torch"]
SIZE = 10.0  # a sum of distances


def printed(positive, negative, margin):
    near, far, other = abs(positive), abs(negative), abs(positive - negative)
    return max(0.0, margin + near - far), max(0.0, margin + near - min(far, other))


def exact(positive, negative, margin):
    near = margin + (positive**2) ** 0.5
    far = (negative**2) ** 0.5
    other = ((negative - positive) ** 2) ** 0.5
    return (near - far if near > far else 0.0), max(near - far, near - other, 0.0)


def right_largest_of_the_terms(positive, negative, margin):
    from_anchor = margin + abs(positive) - abs(negative)
    from_positive = margin + abs(positive) - abs(negative - positive)
    return max(from_anchor, 0.0), max(from_anchor, from_positive, 0.0)


def right_case_by_case(positive, negative, margin):
    def loss(far):
        lead = far - abs(positive)
        return margin - lead if lead < margin else 0.0

    nearer = abs(negative - positive) < abs(negative)
    return loss(abs(negative)), loss(abs(negative - positive) if nearer else abs(negative))


def wrong_always_from_the_positive(positive, negative, margin):
    plain = printed(positive, negative, margin)[0]
    return plain, max(0.0, margin + abs(positive) - abs(positive - negative))


def wrong_swap_changes_nothing(positive, negative, margin):
    plain = printed(positive, negative, margin)[0]
    return plain, plain


def wrong_the_farther_one(positive, negative, margin):
    far = max(abs(negative), abs(positive - negative))
    return printed(positive, negative, margin)[0], max(0.0, margin + abs(positive) - far)


def wrong_no_floor(positive, negative, margin):
    near, far, other = abs(positive), abs(negative), abs(positive - negative)
    return margin + near - far, margin + near - min(far, other)


def wrong_positive_and_negative_exchanged(positive, negative, margin):
    return printed(negative, positive, margin)
