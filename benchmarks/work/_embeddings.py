"""Losses of vectors: of a batch against itself, or of two or three that belong together."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from work import Args, Loss, Work


def pairs(scale: float, batch: int, features: int) -> Args:
    return scale * F.normalize(torch.randn(batch, features)), F.normalize(torch.randn(batch, features))


def triples(scale: float, batch: int, features: int) -> Args:
    return tuple(scale * torch.randn(batch, features) for _ in range(3))


def contrastive(eager: Loss, **more: Any) -> Work:
    return Work(
        pairs, eager, (1024, 128), cpu=[(4096, 256)], cuda=[(32768, 768)], gradients=(0, 1),
        products=lambda b, d: [(b, d, b, 3)], **more,
    )  # fmt: skip


def alone(draw: Callable[..., Args], eager: Loss, **more: Any) -> Work:
    """Each row for itself, and no fused form."""
    return Work(draw, eager, (2048, 128), cuda=[(32768, 768)], **more)
