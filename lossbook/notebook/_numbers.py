"""Numbers of an explorer: ranges, grids of round steps, and how they are written."""

import math
from typing import Any

import torch
from torch import Tensor

Limits = tuple[float, float]
Frame = tuple[list[float | None], list[float | None]]  # value and gradient, one number per sample, None: not finite


def is_number(a: Any) -> bool:
    return isinstance(a, int | float) and not isinstance(a, bool)


def span_of(owner: str, limits: Any) -> Limits:
    if not (isinstance(limits, tuple | list) and len(limits) == 2 and all(map(is_number, limits))):
        raise ValueError(f"{owner} takes (low, high), two numbers, got {limits}")
    low, high = limits
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{owner} needs low < high, both finite, got {limits}")
    return float(low), float(high)


def grid(low: float, high: float, most: int, include: float | None = None) -> list[float]:
    """Both ends, the round numbers between them, and ``include``; ``most`` bounds the round ones."""
    step = round_step((high - low) / (most - 1))
    inner = (step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1))
    digits = max(0, 1 - math.floor(math.log10(step)))
    numbers = {low, high, *(min(max(round(v, digits) + 0.0, low), high) for v in inner)}
    return sorted(numbers if include is None else numbers | {float(include)})


def round_step(least: float) -> float:
    """The smallest of ..., 0.1, 0.2, 0.5, 1, 2, 5, ... that is not below ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= least * (1 - 1e-9))


def numbers(y: Tensor | None) -> list[float]:
    return [] if y is None else [float(v) for v in y.tolist()]


def rounded(value: Tensor, gradient: Tensor | None) -> Frame:
    """Four digits of each number, none past the sixth decimal, None for what is not finite."""
    value_, gradient_ = (
        [round(float(f"{v:.4g}"), 6) + 0.0 if math.isfinite(v) else None for v in y.tolist()]
        for y in (value, torch.full_like(value, math.nan) if gradient is None else gradient)
    )
    return value_, gradient_


def text_of(v: float) -> str:
    return f"{v:.6f}".rstrip("0").rstrip(".")


def say(choice: Any) -> str:
    """A setting in words: numbers without noise, functions by name."""
    if is_number(choice):
        return f"{choice:.6g}"
    return str(getattr(choice, "__name__", choice))
