"""The definition of every loss, once more and by another road: one module of data for each stem.

A module holds
    oracle(*args, **settings)  scalar mpmath from the definition. Tensors arrive as nested lists of ``mpf`` (floating
                               point) or ``int``; it returns the flat list of unreduced losses, in row-major order.
    CASES                      what to draw and with which settings: the option grid of the loss.
    TABLE                      ``Known`` values with their source.
and, where they differ from the default,
    count(*args, **settings)   what each entry counts in "mean", a flat list; default 1 each.
    in_mean(losses, *args, **settings)  the entries as they enter "mean" (CTC divides by target length first).
    EXTREMES                   ``Case``s whose draw ignores its arguments: value against the oracle in float32, and
                               finite gradients.
    GRADIENTS                  positions of the arguments that take gradients; default (0,).
    BATCH_DIMS                 batch dimension of each positional argument, None where it has none; default 0 for all.
    COUPLED                    True where entries see each other, so that one of weight 0 is missed by the others.
    TWIN(*args, reduction=, **settings)  torch's own function, or None; default torch.nn.functional's of that name.
    TWIN_DIFFERS(case, reduction)  True where torch is wrong on purpose of ours; say why beside it.
    LAWS                       names of the laws in test_laws.py that hold. "minimised by ..." names the best constant:
                               the one prediction for a whole drawn sample whose mean loss is least. Say it where the
                               definition gives it in closed form; a loss between two predictions has none.
    LAW_FAILS(case, law)       True where a setting breaks one of these laws.
    BAD                        ``Bad`` calls: settings or arguments that must be refused, and how.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from torch import Generator, Tensor


@dataclass(frozen=True)
class Case:
    """Positional arguments, drawn in float64 at a scale, and settings (tensors among them in float64)."""

    name: str
    draw: Callable[[Generator, float], tuple[Any, ...]]
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Known:
    """A value that somebody else published or that is done by hand: unreduced unless settings say otherwise."""

    args: tuple[Tensor, ...]
    value: list[float]
    source: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Bad:
    """A call that must be refused: change one thing of the first case."""

    name: str
    error: type[Exception]
    match: str
    args: Callable[[tuple[Any, ...]], tuple[Any, ...]] = lambda args: args
    settings: dict[str, Any] = field(default_factory=dict)
    constructor: bool = True  # the module refuses the settings too, before it is called (when only settings differ)

    def __str__(self) -> str:
        return self.name


def fixed(*args: Tensor) -> Callable[[Generator, float], tuple[Any, ...]]:
    """Draw nothing: the same arguments each time."""
    return lambda rng, scale: args


def flat(nested: Any) -> list[Any]:
    """Flatten nested lists in row-major order."""
    return [leaf for item in nested for leaf in flat(item)] if isinstance(nested, list) else [nested]
