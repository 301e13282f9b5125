"""Losses of hidden states, where the logits are a product with a weight."""

import math
from collections.abc import Callable
from typing import Any

import torch

from work import Args, Loss, Size, Work


def hidden(scale: float, rows: int, features: int, classes: int) -> Args:
    """Hidden states and a weight whose logits have the deviation ``scale``."""
    return scale / math.sqrt(features) * torch.randn(rows, features), torch.randn(classes, features)


def linear(draw: Callable[..., Args], eager: Loss, cpu: Size, passes: list[int], **more: Any) -> Work:
    return Work(
        draw, eager, (2048, 128, 1024), cpu=[cpu], cuda=[(8192, 4096, 128256)], gradients=(0, 1),
        products=lambda n, d, v: [(n, d, v, count) for count in passes], **more,
    )  # fmt: skip
