"""What a setting may be, said once by its type: ``delta: Positive = 1.0``.

A type here is ``Annotated[type, check]``. To a type checker it is the plain type; :func:`rules` reads the check, which
the function runs when it is called, and the module when it is made.
"""

import functools
import inspect
import types
import typing
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from torch import Tensor

from . import check

Check = Callable[..., None]  # of one value, given by its name: positive(delta=-1) raises

Flag = Annotated[bool, check.flag]
Integer = Annotated[int, check.integer]
Index = Annotated[int, check.index]
Number = Annotated[float, check.number]
Positive = Annotated[float, check.positive]
NotNegative = Annotated[float, check.not_negative]
Share = Annotated[float, functools.partial(check.between, 0, 1)]
OpenShare = Annotated[float, functools.partial(check.inside, 0, 1)]
Norm = Annotated[float, check.norm]
Scalar = Annotated[Tensor | float, check.scalar]
PositiveScalar = Annotated[Tensor | float, check.positive_scalar]
Reduction = Annotated[str, functools.partial(check.choice, "none", "mean", "sum")]
BatchReduction = Annotated[str, functools.partial(check.choice, "none", "mean", "sum", "batchmean")]

PER_CALL = ("sample_weight", "normalizer")  # what a module takes with the tensors, not as a setting


class Rule(NamedTuple):
    """What the type of a setting says."""

    check: Check | None
    optional: bool  # None stands for "not used"
    tensor: bool  # a module keeps it as a buffer

    def __call__(self, name: str, value: Any) -> None:
        """Refuse a value that the type does not admit."""
        if self.check is not None and not (self.optional and value is None):
            self.check(**{name: value})


def rules(function: Callable[..., Any]) -> dict[str, Rule]:
    """Read the rule of each setting of a function: of each keyword-only parameter but those of ``PER_CALL``."""
    parameters = inspect.signature(function).parameters.values()
    return {p.name: _rule(p.annotation) for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in PER_CALL}


def plain(function: Callable[..., Any]) -> inspect.Signature:
    """Give the signature as a reader wants to see it: with ``float``, not with its check."""
    signature = inspect.signature(function)
    return signature.replace(
        parameters=[p.replace(annotation=_plain(p.annotation)) for p in signature.parameters.values()]
    )


def _members(annotation: Any) -> tuple[Any, ...]:
    union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if union else (annotation,)


def _rule(annotation: Any) -> Rule:
    members = _members(annotation)
    annotated = [m for m in members if typing.get_origin(m) is Annotated]
    inner = [t for m in members for t in (_members(m.__origin__) if m in annotated else (m,))]
    return Rule(
        check=annotated[0].__metadata__[0] if annotated else None,
        optional=type(None) in members,
        tensor=Tensor in inner,
    )


def _plain(annotation: Any) -> Any:
    found = [m.__origin__ if typing.get_origin(m) is Annotated else m for m in _members(annotation)]
    return functools.reduce(lambda one, other: one | other, found)
