"""Products and logarithms that keep the conventions of probability: 0 · log 0 = 0."""

import torch
from torch import Tensor


def times(weight: Tensor, value: Tensor) -> Tensor:
    """Multiply so that 0 · ±inf is 0, in value and gradient; every other product is the usual one."""
    # Where the weight is 0 and constant, the value has no gradient of any order: detached, it needs no stored mask.
    finite = (value if weight.requires_grad else value.detach()).nan_to_num(nan=torch.nan, posinf=0.0, neginf=0.0)
    return weight * torch.where(weight == 0, finite, value)
