"""Products and logarithms that keep the conventions of probability: 0 · log 0 = 0."""

from torch import Tensor


def times(weight: Tensor, value: Tensor) -> Tensor:
    """Multiply so that 0 · ±inf is 0, in value and gradient; every other product is the usual one."""
    return weight * value.masked_fill((weight == 0) & value.isinf(), 0.0)
