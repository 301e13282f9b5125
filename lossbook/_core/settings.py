"""What an argument may be, said once by its type: ``delta: Positive = 1.0``.

A type here is ``Annotated[type, check]``. To a type checker it is the plain type; :func:`rules` reads the check, which
the function runs when it is called, and the module when it is made. The types of tensors are in ``kinds``.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from torch import Tensor

from . import numbers

Check = Callable[[str, Any], Any]  # of a name and a value: positive("delta", -1) raises, and what is right comes back

Flag = Annotated[bool, numbers.flag]
Integer = Annotated[int, numbers.integer]
Index = Annotated[int, numbers.index]
Number = Annotated[float, numbers.number]
Positive = Annotated[float, numbers.positive]
NotNegative = Annotated[float, numbers.not_negative]
Share = Annotated[float, numbers.share]
OpenShare = Annotated[float, numbers.open_share]
Norm = Annotated[float, numbers.norm]
Scalar = Annotated[Tensor | float, numbers.scalar]
PositiveScalar = Annotated[Tensor | float, numbers.positive_scalar]
Reduction = Annotated[str, numbers.choice("none", "mean", "sum")]
BatchReduction = Annotated[str, numbers.choice("none", "mean", "sum", "batchmean")]

PER_CALL = ("sample_weight", "normalizer")  # what a module takes with the tensors, not as a setting


class Rule(NamedTuple):
    """What the type of an argument says."""

    check: Check | None
    optional: bool = False  # None stands for "not used"
    tensor: bool = False  # a module keeps it as a buffer
    setting: bool = False  # given by name, in the constructor of a module

    def __call__(self, name: str, value: Any) -> Any:
        """Give the value as the formula wants it; refuse one that the type does not admit."""
        if self.check is None or (self.optional and value is None):
            return value
        return self.check(name, value)


def rules(function: Callable[..., Any]) -> dict[str, Rule]:
    """Read the rule of each argument of a function."""
    return {name: _rule(p) for name, p in inspect.signature(function).parameters.items()}


def plain(function: Callable[..., Any]) -> inspect.Signature:
    """Give the signature as a reader wants to see it: with ``float``, not with its check."""
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[p.replace(annotation=_plain(p.annotation)) for p in signature.parameters.values()]
    )


def _members(annotation: Any) -> tuple[Any, ...]:
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if union else (annotation,)


def _rule(parameter: inspect.Parameter) -> Rule:
    members = _members(parameter.annotation)
    annotated = [m for m in members if typing.get_origin(m) is Annotated]
    inner = [t for m in members for t in (_members(m.__origin__) if m in annotated else (m,))]
    return Rule(
        check=annotated[0].__metadata__[0] if annotated else None,
        optional=type(None) in members,
        tensor=Tensor in inner,
        setting=parameter.kind is parameter.KEYWORD_ONLY and parameter.name not in PER_CALL,
    )


def _plain(annotation: Any) -> Any:
    found = [m.__origin__ if typing.get_origin(m) is Annotated else m for m in _members(annotation)]
    return functools.reduce(lambda one, other: one | other, found)
