"""A function under sliders: which of its arguments is swept, which are chosen, which are fixed."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._numbers import grid, is_number, say, span_of

_STEPS = {0: 1, 1: 31, 2: 11}  # most steps of a slider, by the number of sliders: a page stays under 200 kB


@dataclass(frozen=True)
class Slider:
    """The settings of one argument, in order, and where to start."""

    choices: list[Any]
    start: int
    is_range: bool = False

    @staticmethod
    def of(owner: str, setting: tuple[Any, ...] | list[Any], default: Any, steps: int) -> "Slider":
        """Read a range ``(low, high[, start])`` or a list of choices."""
        if isinstance(setting, list):
            if len(setting) < 2:
                raise ValueError(f"{owner} needs at least two choices, got {setting}")
            return Slider(setting, setting.index(default) if default in setting else 0)
        if len(setting) not in (2, 3):
            raise ValueError(f"{owner} takes (low, high) or (low, high, start), got {setting}")
        low, high = span_of(owner, setting[:2])
        if len(setting) == 3:
            start = setting[2]
            if not (is_number(start) and low <= start <= high):
                raise ValueError(f"{owner} needs low <= start <= high, got {setting}")
        else:
            start = default if is_number(default) and low <= default <= high else None
        choices = grid(low, high, steps, include=start)
        return Slider(choices, len(choices) // 2 if start is None else choices.index(start), is_range=True)

    def __str__(self) -> str:
        """What it offers, in words."""
        said = [say(choice) for choice in self.choices]
        return f"{said[0]} to {said[-1]}" if self.is_range else ", ".join(said)


@dataclass(frozen=True)
class Curve:
    """A function, the argument that is swept, and what the other arguments are."""

    fn: Callable[..., Tensor]
    over: str
    fixed: dict[str, Any]
    sliders: dict[str, Slider]
    tensors: frozenset[str]  # arguments for which a number is spread to a tensor

    @property
    def name(self) -> str:
        """The function's own name."""
        function = self.fn.func if isinstance(self.fn, functools.partial) else self.fn
        name = str(getattr(function, "__name__", type(function).__name__))
        return "loss" if name == "<lambda>" else name

    def __str__(self) -> str:
        """How messages begin."""
        return f"explore({self.name})"

    @staticmethod
    def of(fn: Callable[..., Tensor], over: str | None, arguments: Mapping[str, Any]) -> "Curve":
        """Sort the arguments into fixed ones and sliders; refuse what ``fn`` does not take."""
        owner = str(Curve(fn, "", {}, {}, frozenset()))
        named, anything = _parameters(owner, fn)
        over = next(iter(named)) if over is None else over
        for name in [over, *arguments]:
            if name not in named and not anything:
                raise ValueError(f"{owner}: no argument named {name}; it takes {', '.join(named)}")
        if over in arguments:
            raise ValueError(f"{owner}: {over} is on the axis; give its range as span, got {arguments[over]}")

        required = {n for n, p in named.items() if p.default is p.empty}
        fixed: dict[str, Any] = {"target": 0.0} if "target" in required - {over} else {}
        fixed |= {n: a for n, a in arguments.items() if not isinstance(a, tuple | list)}
        ranges = {n: a for n, a in arguments.items() if isinstance(a, tuple | list)}
        fixed = {n: a for n, a in fixed.items() if n not in ranges}
        if missing := sorted(required - {over, *fixed, *ranges}):
            raise ValueError(f"{owner}: {missing[0]} has no default: give a number, (low, high) or a list of choices")
        if "reduction" in named and "reduction" not in arguments:
            fixed["reduction"] = "none"
        steps = _STEPS[min(len(ranges), 2)]
        sliders = {
            n: Slider.of(f"{owner}: {n}", a, named[n].default if n in named else None, steps) for n, a in ranges.items()
        }
        tensors = required | {n for n in named if n.endswith("weight")}
        return Curve(fn, over, fixed, sliders, frozenset(tensors))

    @staticmethod
    def beside(curve: "Curve", label: str, fn: Callable[..., Tensor]) -> "Curve":
        """A reference curve: it shares the tensors of ``curve`` by name, and keeps its own settings."""
        named, _ = _parameters(f"{curve}: {label}", fn)
        shared = [name for name in list(named)[1:] if name in curve.tensors]
        if moving := [name for name in shared if name in curve.sliders]:
            raise ValueError(f"{curve}: {label} stands still, so it cannot take {moving[0]}, which is on a slider")
        return Curve.of(fn, None, {name: curve.fixed[name] for name in shared if name in curve.fixed})

    @property
    def start(self) -> dict[str, Any]:
        """Where the sliders stand at first."""
        return {name: slider.choices[slider.start] for name, slider in self.sliders.items()}

    def __call__(self, x: Tensor, settings: Mapping[str, Any]) -> tuple[Tensor, Tensor | None]:
        """Value and gradient at every entry of ``x``; no gradient where autograd finds no path to it."""
        x = x.detach().clone().requires_grad_()
        arguments = {
            name: torch.full_like(x, a, requires_grad=False) if name in self.tensors and is_number(a) else a
            for name, a in {**self.fixed, **settings}.items()
        }
        try:
            value = self.fn(**{self.over: x}, **arguments)
        except Exception as error:
            said = "".join(f", {name} = {say(a)}" for name, a in settings.items())
            error.add_note(f"{self} called it with {self.over} from {x[0]:g} to {x[-1]:g}{said}")
            raise
        if not isinstance(value, Tensor) or value.shape != x.shape:
            got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"{self}: it must return one value per entry, shape {tuple(x.shape)}, got {got}")
        if not value.requires_grad:
            return value, None
        (gradient,) = torch.autograd.grad(value.sum(), x, allow_unused=True)
        return value.detach(), gradient


def _parameters(owner: str, fn: Callable[..., Tensor]) -> tuple[dict[str, inspect.Parameter], bool]:
    """The arguments that go by name, and whether any other name is taken too."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: its arguments cannot be read; pass `lambda input: ...` instead") from None
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    if not named:
        raise ValueError(f"{owner}: it must take at least one argument by name, got {inspect.signature(fn)}")
    return named, any(p.kind is p.VAR_KEYWORD for p in parameters)
