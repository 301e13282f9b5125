"""What every public function does around its formula: positions, settings, and the dtype of the arithmetic."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

from . import numbers
from .autocast import under_autocast
from .settings import Rule, plain, rules

P = ParamSpec("P")
R = TypeVar("R")
NARROW = (torch.bfloat16, torch.float16)


def formula(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Make a formula a public function: settings are checked, and bfloat16 and float16 are computed in float32.

    The result comes back in the dtype that came. Under autocast the loss stays float32, as torch's own losses do
    there. Between float tensors of different widths the usual promotion decides.
    """
    positional, settings = positions(function), rules(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        kwargs = admit(function.__name__, positional, settings, args, kwargs)  # type: ignore[assignment]
        floats = [a.dtype for a in args if isinstance(a, Tensor) and a.dtype.is_floating_point]
        if not any(isinstance(a, Tensor) and a.dtype in NARROW for a in (*args, *kwargs.values())):
            return function(*args, **kwargs)
        value = function(*map(_widen, args), **{name: _widen(a) for name, a in kwargs.items()})  # type: ignore[arg-type]
        if not floats or under_autocast(value):
            return value
        return value.to(functools.reduce(torch.promote_types, floats))

    return published(call, plain(function), settings)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function that chooses its own dtypes a public one: only its settings are checked."""
    positional, settings = positions(function), rules(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        admitted = admit(function.__name__, positional, settings, args, kwargs)
        return function(*args, **admitted)

    return published(call, plain(function), settings)


def positions(function: Callable[..., Any]) -> list[str]:
    """List the parameters that may be given by position: the tensors."""
    return [n for n, p in inspect.signature(function).parameters.items() if p.kind is not p.KEYWORD_ONLY]


def admit(
    name: str, positional: list[str], settings: Mapping[str, Rule], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """Give the keyword arguments as the formula wants them.

    Settings by position are refused, settings out of range, tensors of another device, and a normalizer that nothing
    would use.
    """
    if len(args) > len(positional):
        raise TypeError(
            f"{name}() takes {', '.join(positional)} by position and every setting by its name; "
            f"got {len(args)} arguments by position"
        )
    admitted = dict(kwargs)
    for setting, rule in settings.items():
        if setting in kwargs:
            admitted[setting] = rule(setting, kwargs[setting])
    if kwargs.get("normalizer") is not None:
        admitted["normalizer"] = numbers.normalizer(kwargs["normalizer"], kwargs.get("reduction", "mean"))
    if args and isinstance(args[0], Tensor):
        for other, value in admitted.items():
            # A number on the CPU goes with tensors anywhere, as everywhere in torch.
            if not isinstance(value, Tensor) or value.device == args[0].device:
                continue
            if value.dim() or value.device.type != "cpu":
                raise ValueError(f"devices must match: {positional[0]} {args[0].device}, {other} {value.device}")
    return admitted


def published(call: Callable[P, R], signature: inspect.Signature, settings: dict[str, Rule]) -> Callable[P, R]:
    """Give a wrapper what others look for in it: the signature for a reader, the rules for a module, its own code."""
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {n: p.annotation for n, p in signature.parameters.items()} | {
        "return": signature.return_annotation
    }
    call.rules = settings  # type: ignore[attr-defined]
    # torch.compile counts recompilations by code object: without its own, each loss would use up the limit of all.
    call.__code__ = call.__code__.replace(co_name=call.__name__)
    return call


def _widen(value: object) -> object:
    return value.float() if isinstance(value, Tensor) and value.dtype in NARROW else value
