"""Losses of one entry at a time: as fast as memory."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from work import LIGHT, Args, Loss, Work


def cells(scale: float, *size: int) -> Args:
    return scale * torch.randn(size), scale * torch.randn(size)


def shares(scale: float, *size: int) -> Args:
    """Logits, and probabilities."""
    return scale * torch.randn(size), torch.rand(size)


def rare(scale: float, *size: int) -> Args:
    """Logits, and yes in one entry of ten."""
    return scale * torch.randn(size), (torch.rand(size) > 0.9).float()


def signs(*size: int) -> Tensor:
    return torch.randint(2, size) * 2.0 - 1


def elementwise(draw: Callable[..., Args], eager: Loss, **more: Any) -> Work:
    targets = {"cpu": LIGHT, "cuda": {"of copy": 0.85, "time/eager": 1 / 1.5}}
    return Work(draw, eager, (1 << 20,), cpu=[(1 << 24,)], cuda=[(1 << 28,)], **{"fused": targets} | more)
