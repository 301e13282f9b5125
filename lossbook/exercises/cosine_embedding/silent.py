"""A cosine that is silent about zero.

Return the cosine of each row of `input1` with the same row of `input2`.
A row of zeros has the cosine 0 with everything, and sends no gradient, neither to itself nor to the other row.

Nudge: What is the norm of a row of zeros, what is divided by it, and what does autograd make of that?

Sketch: Divide by a norm that is 1 where it was 0, chosen before the division and not after it.

Why: torch's epsilon makes the cosine 0 as well, but its gradient is the other vector divided by 1e-6: one padded row
pulls half a million times as hard as an honest one. A where after the division is right in value and NaN in gradient.
A norm of 1 in the place of 0 leaves the other vector's direction as gradient, so the row has to be left out, not made
harmless.
"""

import torch

from .._draw import real

KIND = "build"
LEVEL = 2
MINUTES = 12
TAKES = {"input1": real("N", "D"), "input2": real("N", "D")}
GRADIENTS = ["input1", "input2"]
SIZES = {"D": 3}
SCALES = (1e-6, 1e-3, 0.1, 1.0, 30.0, 1e3)
DTYPES = (torch.float64, torch.float32)
AT = {
    "rows of zeros": {
        "input1": [[0.0, 0.0, 0.0], [1.0, 2.0, 2.0], [0.0, 0.0, 0.0], [3.0, 0.0, 4.0]],
        "input2": [[1.0, 2.0, 2.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 2.0, 1.0]],
    }
}


def cosines(input1, input2):
    some = (input1 != 0).any(1) & (input2 != 0).any(1)
    one = input1.where(some[:, None], 1.0)
    other = input2.where(some[:, None], 1.0)
    one = one / torch.linalg.vector_norm(one, dim=1, keepdim=True)
    other = other / torch.linalg.vector_norm(other, dim=1, keepdim=True)
    return (one * other).sum(1).where(some, 0.0)


def slope_size(input1, input2):
    norms = [torch.linalg.vector_norm(each, dim=1, keepdim=True) for each in (input1, input2)]
    return sum(2 / norm.where(norm > 0, 1.0) for norm in norms)


SIZE = 2.0  # two norms are divided by


def exact(input1, input2):
    squares1, squares2 = input1.square().sum(1), input2.square().sum(1)
    some = (squares1 > 0) & (squares2 > 0)
    product = (input1 * input2).sum(1).where(some, 0.0)
    return product / (squares1.where(some, 1.0) * squares2.where(some, 1.0)).sqrt()


def right_rows_left_out(input1, input2):
    some = (input1 != 0).any(1) & (input2 != 0).any(1)
    one, other = input1[some], input2[some]
    cosine = (one * other).sum(1) / (one.norm(dim=1) * other.norm(dim=1))
    return torch.zeros_like(input1[:, 0]).index_put((some,), cosine)


def right_masked_twice(input1, input2):
    none = ((input1 == 0).all(1) | (input2 == 0).all(1))[:, None]
    one, other = input1.masked_fill(none, 1.0), input2.masked_fill(none, 1.0)
    unit1, unit2 = one / one.norm(dim=1, keepdim=True), other / other.norm(dim=1, keepdim=True)
    return (unit1 * unit2).sum(1).masked_fill(none[:, 0], 0.0)


def wrong_divided_by_zero(input1, input2):
    return (input1 * input2).sum(1) / (input1.norm(dim=1) * input2.norm(dim=1))


def wrong_where_after_the_division(input1, input2):
    """Refused by: gradient."""
    some = (input1 != 0).any(1) & (input2 != 0).any(1)
    squares = input1.square().sum(1) * input2.square().sum(1)
    return ((input1 * input2).sum(1) / squares.sqrt()).where(some, 0.0)


def wrong_torch_with_its_epsilon(input1, input2):
    """Refused by: gradient."""
    return torch.cosine_similarity(input1, input2, dim=1)


def wrong_norm_of_1(input1, input2):
    """Refused by: gradient."""
    norm1, norm2 = input1.norm(dim=1), input2.norm(dim=1)
    return (input1 * input2).sum(1) / (norm1.where(norm1 > 0, 1.0) * norm2.where(norm2 > 0, 1.0))


def wrong_dot_product(input1, input2):
    return (input1 * input2).sum(1)


def wrong_gradient_stopped(input1, input2):
    """Refused by: gradient."""
    norms = (input1.norm(dim=1) * input2.norm(dim=1)).detach()
    return (input1 * input2).sum(1) / norms.where(norms > 0, 1.0)
