"""The distance between vectors that torch's triplet losses use."""

import torch
from torch import Tensor


def distance(one: Tensor, other: Tensor, p: float = 2.0, eps: float = 1e-6) -> Tensor:
    """Take the p-norm of the difference over the last dimension, with torch's ``eps`` added to each component.

    That keeps the gradient of equal vectors finite and away from 0: the square root has no slope at 0.
    """
    difference = one - other + eps
    if difference.shape[-1] == 0:
        return difference.sum(-1)
    if p in (1, torch.inf):
        return torch.linalg.vector_norm(difference, p, dim=-1)  # type: ignore[no-any-return]
    # A square overflows above 1.8e19 in float32, so the largest component is taken out, a constant factor that cancels.
    largest = difference.detach().abs().amax(-1, keepdim=True).clamp(min=torch.finfo(difference.dtype).tiny)
    return largest.squeeze(-1) * torch.linalg.vector_norm(difference / largest, p, dim=-1)  # type: ignore[no-any-return]
