"""From an angle to a loss.

Two vectors are so many degrees apart, and `length` times as long as each other.

```python
a, angle = torch.tensor([[1.0, 0.0]]), torch.tensor(60.0).deg2rad()
b = 2.0 * torch.stack([angle.cos(), angle.sin()])[None]
print(F.cosine_embedding_loss(a, b, torch.tensor([1]), margin=0.2))
print(F.cosine_embedding_loss(a, b, torch.tensor([-1]), margin=0.2))
```

What do the two lines print for that many `degrees`, that `length` and that `margin`?
Return both numbers, without torch; leave torch's epsilon out.

Nudge: Which of the three numbers does the cosine depend on?

Sketch: 1 minus the cosine for the pair that is alike; what the cosine has above the margin, or 0, for the other.

Why: At 60 degrees the cosine is 0.5 at any length: 0.5 for a pair that is alike, 0.3 for one that is not. From about 78
degrees on the second costs nothing, and with the default margin of 0 from 90 degrees: nobody asks unlike vectors to be
opposite.
"""

import math

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {
    "degrees": number(0, 180, 60.0, 90.0, evenly=True),
    "length": number(0.1, 10, 2.0),
    "margin": number(-0.5, 0.5, 0.0, 0.2, evenly=True),
}
WITHOUT = ["torch"]
SIZE = 2.0  # 1 and the cosine


def printed(degrees, length, margin):
    cosine = math.cos(math.radians(degrees))
    return 1 - cosine, max(0.0, cosine - margin)


def exact(degrees, length, margin):
    half = math.sin(math.radians(degrees) / 2) ** 2
    return 2 * half, max(0.0, 1 - 2 * half - margin)


def right_by_the_sine(degrees, length, margin):
    cosine = math.sin(math.radians(90 - degrees))
    return 1.0 - cosine, cosine - margin if cosine > margin else 0.0


def right_by_the_product(degrees, length, margin):
    angle = math.radians(degrees)
    cosine = length * math.cos(angle) / math.hypot(length * math.cos(angle), length * math.sin(angle))
    return 1 - cosine, max(cosine - margin, 0.0)


def wrong_dot_product(degrees, length, margin):
    product = length * math.cos(math.radians(degrees))
    return 1 - product, max(0.0, product - margin)


def wrong_margin_forgotten(degrees, length, margin):
    cosine = math.cos(math.radians(degrees))
    return 1 - cosine, max(0.0, cosine)


def wrong_margin_on_both(degrees, length, margin):
    cosine = math.cos(math.radians(degrees))
    return max(0.0, 1 - cosine - margin), max(0.0, cosine - margin)


def wrong_opposite_wanted(degrees, length, margin):
    cosine = math.cos(math.radians(degrees))
    return 1 - cosine, max(0.0, 1 + cosine - margin)


def wrong_degrees_as_radians(degrees, length, margin):
    cosine = math.cos(degrees)
    return 1 - cosine, max(0.0, cosine - margin)
