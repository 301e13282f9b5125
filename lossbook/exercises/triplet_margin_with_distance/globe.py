r"""Two places on a globe.

Return the angle in radians between places, each given as latitude and longitude in radians, shape (N, 2): the
great-circle distance on a globe of radius 1, shape (N,).
The haversine formula is

$$
2 \arcsin \sqrt{\sin^2 \tfrac{\phi_1 - \phi_2}{2}
+ \cos \phi_1 \cos \phi_2 \sin^2 \tfrac{\lambda_1 - \lambda_2}{2}} .
$$

Two equal places have the distance 0 and the gradient 0; places a few metres apart have theirs to all digits of the
dtype.
The judge does not ask for opposite ends of the globe.

Nudge: Write it down and ask for the gradient of two equal places. Which function has no slope there?

Sketch: Where the number under the root is 0, put another one there before the root, and 0 after the arcsine. Or take
torch.linalg.vector_norm of the two parts under the root, which is silent at 0.

Why: The root of 0 has an infinite slope and the sine below it has the value 0, so the product is NaN, and a triplet
that costs nothing passes it on. The formula with arccos has the same hole and one more: near 1 the cosine has no digits
left, so places 100 m apart are at a distance of 0 in float32.
"""

import torch

from .._draw import Kind

KIND = "build"
LEVEL = 2
MINUTES = 15


def _place(shape, scale, drawn):
    return (torch.rand(shape, dtype=torch.double) - 0.5) * torch.tensor([2.8, 3.0], dtype=torch.double)


def _near_it(shape, scale, drawn):
    """Up to 75 degrees off at scale 1, and about one in four nowhere else."""
    off = (2 * torch.rand(shape, dtype=torch.double) - 1) * torch.tensor([0.15, 1.3], dtype=torch.double)
    return drawn["one"] + min(scale, 1.0) * off * (torch.rand(*shape[:1], 1) < 0.75)


TAKES = {"one": Kind(_place, ("N", "lat, lon")), "other": Kind(_near_it, ("N", "lat, lon"))}
SIZES = {"lat, lon": 2}
GRADIENTS = ["one", "other"]
SCALES = (1e-6, 1e-3, 0.1, 1.0)
DTYPES = (torch.float64, torch.float32)
SLOPE_SIZE = 1.0  # sines and cosines are added
AT = {
    "equal places": {"one": [[0.5, 1.0], [0.0, 0.0]], "other": [[0.5, 1.0], [0.0, 0.0]]},
    "100 m apart": {"one": [[0.5, 1.0], [0.25, -2.0]], "other": [[0.5000156, 1.0], [0.25, -2.0000158]]},
    "across the date line": {"one": [[-0.316, 3.114]], "other": [[-0.241, -2.998]]},
}


def distance(one, other):
    half = ((one - other) / 2).sin()
    across = (one[:, 0].cos() * other[:, 0].cos()).sqrt() * half[:, 1]
    return 2 * torch.linalg.vector_norm(torch.stack([half[:, 0], across], 1), dim=1).asin()


def exact(one, other):
    half = ((one - other) / 2).sin().square()
    under = half[:, 0] + one[:, 0].cos() * other[:, 0].cos() * half[:, 1]
    equal = under == 0
    return torch.where(equal, 0.0, 2 * under.where(~equal, 0.5).sqrt().asin())


def right_another_number_before_the_root(one, other):
    up, across = ((one - other) / 2).sin().square().unbind(1)
    under = up + one[:, 0].cos() * other[:, 0].cos() * across
    same = under == 0
    return (2 * under.masked_fill(same, 0.25).sqrt().asin()).masked_fill(same, 0.0)


def right_hypot_of_the_parts(one, other):
    up, across = ((one - other) / 2).sin().unbind(1)
    across = across * (one[:, 0].cos() * other[:, 0].cos()).sqrt()
    same = (up == 0) & (across == 0)
    long = torch.hypot(up.masked_fill(same, 0.5), across)
    return 2 * long.asin().masked_fill(same, 0.0)


def wrong_haversine_as_it_stands(one, other):
    """Refused by: gradient."""
    up, across = ((one - other) / 2).sin().square().unbind(1)
    return 2 * (up + one[:, 0].cos() * other[:, 0].cos() * across).sqrt().asin()


def wrong_where_after_the_root(one, other):
    """Refused by: gradient."""
    up, across = ((one - other) / 2).sin().square().unbind(1)
    under = up + one[:, 0].cos() * other[:, 0].cos() * across
    return torch.where(under > 0, 2 * under.sqrt().asin(), 0.0)


def wrong_small_number_under_the_root(one, other):
    up, across = ((one - other) / 2).sin().square().unbind(1)
    return 2 * (up + one[:, 0].cos() * other[:, 0].cos() * across + 1e-12).sqrt().asin()


def wrong_arc_cosine(one, other):
    across = one[:, 1] - other[:, 1]
    cosine = one[:, 0].sin() * other[:, 0].sin() + one[:, 0].cos() * other[:, 0].cos() * across.cos()
    return cosine.clamp(-1, 1).acos()


def wrong_flat_map(one, other):
    return torch.linalg.vector_norm(one - other, dim=1)


def wrong_chord(one, other):
    return 2 * (0.5 * distance(one, other)).sin()


def wrong_half(one, other):
    return 0.5 * distance(one, other)
