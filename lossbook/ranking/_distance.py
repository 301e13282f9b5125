"""The distance between vectors that torch's triplet losses use."""

import torch
from torch import Tensor


def distance(one: Tensor, other: Tensor, p: float = 2.0, eps: float = 1e-6) -> Tensor:
    """Take the p-norm of the difference over the last dimension, with torch's ``eps`` added to each component.

    That keeps the gradient of equal vectors finite and away from 0: the square root has no slope at 0.
    """
    found: Tensor = torch.linalg.vector_norm(one - other + eps, p, dim=-1)
    return found
