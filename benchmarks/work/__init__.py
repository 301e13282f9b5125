"""What each loss is measured with: the file with the name of the loss's own holds its ``WORK``."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Args = tuple[Any, ...]
Size = tuple[int, ...]
Loss = Callable[..., Tensor]
Targets = dict[str, float]  # of the figures; what a figure means is said in bench.py

READABLE: Targets = {"time/eager": 2.5, "compiled time/eager": 1.0, "memory/eager": 2.0}  # on the CPU
LIGHT: Targets = {"time/eager": 1.0, "memory/eager": 0.7}  # of a fused form on the CPU
FEW = {"readable": {"time/eager": 1.3}, "fused": {"time/eager": 2.0}}  # of either form on few entries


def quarter(*size: int) -> Size:
    return tuple(-(-entries // 4) for entries in size)


@dataclass(frozen=True)
class Work:
    """The arguments of a loss, its rivals, and what is asked of its two forms."""

    draw: Callable[..., Args]  # scale, *size -> arguments
    eager: Loss  # torch's own function, or where torch has none the natural composition
    small: Size  # of the readable form on the CPU
    cuda: list[Size]  # of both forms on a GPU
    cpu: list[Size] = field(default_factory=list)  # of the fused form on the CPU
    part: Callable[..., Size] = quarter  # of a size, for the errors
    products: Callable[..., list[Size]] = lambda *size: []  # rows, features, columns, how many (3: with gradients)
    gradients: tuple[int, ...] = (0,)  # arguments by position
    settings: dict[str, Any] = field(default_factory=dict)  # of ours
    peers: dict[str, Callable[[Args], Loss]] = field(default_factory=dict)  # of the fused form; see _peers.py
    readable: Targets = field(default_factory=lambda: READABLE)
    fused: dict[str, Targets] = field(default_factory=dict)  # for each device
    dtype: torch.dtype | None = None  # where it is not that of the device
    before: Callable[[Args], Args] = lambda args: args  # done to the arguments when errors are measured

    def sizes(self, form: str, device: str) -> list[Size]:
        return self.cuda if device == "cuda" else self.cpu if form == "fused" else [self.small]

    def few_entries(self) -> Size:
        """As few as leave nothing but the time of a call."""
        return ((40,), (8, 5), (8, 5, 5), (8, 5, 5, 5))[len(self.small) - 1]

    def targets(self, form: str, device: str) -> Targets:
        return self.fused.get(device, {}) if form == "fused" else self.readable if device == "cpu" else {}


def stems() -> list[str]:
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def of(stem: str) -> Work:
    return importlib.import_module(f"{__name__}.{stem}").WORK
