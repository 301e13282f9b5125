"""The margin of a squared distance.

A positive is at the distance `near` from its anchor, a negative at the distance `far`.

```python
def squared(one, other):
    return (one - other).square().sum(-1)

anchor, positive, negative = torch.zeros(1, 1), torch.tensor([[0.3]]), torch.tensor([[0.9]])
print(F.triplet_margin_with_distance_loss(anchor, positive, negative, distance_function=squared, margin=0.8))
```

What does it print, and how far away would the negative have to be for a loss of 0?
Return both numbers for that `near`, `far` and `margin`, without torch; the second is a distance and not a square.

Nudge: In which units is the margin?

Sketch: The margin is added to the square of near. The loss is what that sum has above the square of far; the root of
the sum is the distance at which nothing is left.

Why: 0.8 + 0.09 - 0.81 leaves 0.08, and the loss is 0 from the root of 0.89, 0.943, on. With the plain distance the same
margin would ask for 1.1. Squares of small distances are smaller still and those of large ones larger, so one margin is
harsh to an embedding that is small and nothing to one that is large.
"""

from .._draw import number

KIND = "predict"
LEVEL = 1
MINUTES = 5
TAKES = {
    "near": number(0.05, 3, 0.3),
    "far": number(0.05, 3, 0.9),
    "margin": number(0.1, 2, 0.8),
}
WITHOUT = ["torch"]
SIZE = 20.0  # squares are added


def printed(near, far, margin):
    enough = margin + near**2
    return max(0.0, enough - far**2), enough**0.5


def exact(near, far, margin):
    short = margin - (far - near) * (far + near)
    return (short if short > 0 else 0.0), (near * near + margin) ** 0.5


def right_product(near, far, margin):
    return max(0.0, margin + (near - far) * (near + far)), (margin + near * near) ** 0.5


def right_hypotenuse(near, far, margin):
    reach = abs(complex(near, margin**0.5))
    return max(reach**2 - far**2, 0.0), reach


def wrong_plain_distance(near, far, margin):
    return max(0.0, margin + near - far), margin + near


def wrong_margin_squared(near, far, margin):
    return max(0.0, margin**2 + near**2 - far**2), (margin**2 + near**2) ** 0.5


def wrong_square_for_a_distance(near, far, margin):
    return printed(near, far, margin)[0], margin + near**2


def wrong_no_floor(near, far, margin):
    return margin + near**2 - far**2, (margin + near**2) ** 0.5


def wrong_square_of_the_loss(near, far, margin):
    return max(0.0, margin + near - far) ** 2, printed(near, far, margin)[1]
