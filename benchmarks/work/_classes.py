"""Losses of a row of scores, one for each class."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from work import Args, Loss, Work


def labelled(scale: float, rows: int, classes: int) -> Args:
    return scale * torch.randn(rows, classes), torch.randint(classes, (rows,))


def kl_div_with_logits(input: Tensor, target: Tensor) -> Tensor:
    return F.kl_div(F.log_softmax(input, 1), F.softmax(target, 1), reduction="batchmean")


def over_classes(draw: Callable[..., Args], eager: Loss, **more: Any) -> Work:
    sizes = {"cpu": [(1024, 32000), (16384, 1000)], "cuda": [(8192, 128256)]}
    # All classes also where errors are measured: a long sum is what can go wrong.
    return Work(draw, eager, (1024, 1000), part=lambda rows, classes: (min(rows, 64), classes), **sizes | more)
