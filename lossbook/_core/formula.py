"""What every public function does around its formula: its arguments by their types, and the dtype of the arithmetic."""

import difflib
import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.fx import Proxy

from . import check
from .autocast import under_autocast
from .kinds import Kind
from .settings import Rule, plain, rules

P = ParamSpec("P")
R = TypeVar("R")
NARROW = (torch.bfloat16, torch.float16)


def formula(function: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Make a formula a public function: arguments are checked, and bfloat16 and float16 are computed in float32.

    The result comes back in the dtype that came. Under autocast the loss stays float32, as torch's own losses do
    there. Between float tensors of different widths the usual promotion decides.
    """

    @functools.wraps(function)
    def in_wide(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        if not any(isinstance(a, Tensor) and a.dtype in NARROW for a in (*args, *kwargs.values())):
            return function(*args, **kwargs)
        value = function(*map(_widen, args), **{name: _widen(a) for name, a in kwargs.items()})  # type: ignore[arg-type]
        floats = [a.dtype for a in args if isinstance(a, Tensor) and a.dtype.is_floating_point]
        if not floats or under_autocast(value):
            return value
        return value.to(functools.reduce(torch.promote_types, floats))

    return checked(in_wide)


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function that chooses its own dtypes a public one: its arguments are checked, refusals explained."""
    contract = Contract.of(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            args, kwargs = contract.admit(args, kwargs)  # type: ignore[assignment]
        except TypeError:
            if is_recorded(args, kwargs):
                return recorded(call, args, kwargs)  # type: ignore[no-any-return]
            raise
        try:
            return function(*args, **kwargs)
        except (NotImplementedError, RuntimeError, AttributeError) as error:
            contract.explain(error, args)
            raise

    return published(call, plain(function), contract.rules)


class Contract(NamedTuple):
    """What a public function takes."""

    name: str
    positional: tuple[str, ...]  # the tensors
    rules: Mapping[str, Rule]
    joining: tuple[str, ...]  # labels, which become numbers of the dtype of the first argument

    @classmethod
    def of(cls, function: Callable[..., Any], readable: Callable[..., Any] | None = None) -> "Contract":
        """Read it from a signature; a fused form has the one of the readable function, and settings of its own."""
        found = rules(function) | (getattr(readable, "rules", {}))
        parameters = inspect.signature(readable or function).parameters
        return cls(
            function.__name__,
            tuple(n for n, p in parameters.items() if p.kind is not p.KEYWORD_ONLY),
            found,
            tuple(n for n, rule in found.items() if isinstance(rule.check, Kind) and rule.check.joins),
        )

    def admit(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the arguments as the formula wants them.

        Settings by position are refused, arguments that their types do not admit, tensors of another device than the
        first one's, and a normalizer that nothing would use.
        """
        if len(args) > len(self.positional):
            raise TypeError(
                f"{self.name}() takes {', '.join(self.positional)} by position and every setting by its name; "
                f"got {len(args)} arguments by position"
            )
        rules = self.rules
        try:
            args = tuple([rules[name](name, value) for name, value in zip(self.positional, args, strict=False)])
            kwargs = {name: rules[name](name, value) for name, value in kwargs.items()}
        except KeyError as error:
            raise TypeError(f"{self.name}() takes no {error.args[0]!r}{instead(error.args[0], rules)}") from None
        except TypeError as error:
            raise self._swapped(error, args) from None
        if kwargs.get("normalizer") is not None and kwargs.get("reduction", "mean") in ("none", "sum"):
            raise ValueError(f'normalizer replaces the count of "mean"; got reduction={kwargs["reduction"]!r}')
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        if any(tensor.device != tensors[0].device for tensor in tensors[1:]):
            self._refuse_other_devices(args, kwargs)
        if not torch.compiler.is_compiling() and any(tensor.is_inference() for tensor in tensors):
            args, kwargs = tuple(map(_for_backward, args)), {n: _for_backward(v) for n, v in kwargs.items()}
        return (args, kwargs) if not self.joining else self._joined(args, kwargs)

    def _refuse_other_devices(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        named = {n: v for n, v in (*zip(self.positional, args, strict=False), *kwargs.items()) if isinstance(v, Tensor)}
        # A number on the CPU goes with tensors anywhere, as everywhere in torch.
        numbers = [n for n, v in named.items() if not v.dim() and not isinstance(self.rules[n].check, Kind)]
        check.same_device(**{n: v for n, v in named.items() if n not in numbers or v.device.type != "cpu"})

    def _joined(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Make numbers of labels that are integers or bools, in the dtype of the first argument."""
        first = args[0] if args else kwargs.get(self.positional[0])
        if not isinstance(first, Tensor):
            return args, kwargs

        def joined(name: str, value: Any) -> Any:
            label = name in self.joining and isinstance(value, Tensor) and not value.dtype.is_floating_point
            return value.to(first.dtype) if label else value

        args = tuple([joined(name, value) for name, value in zip(self.positional, args, strict=False)])
        return args, {name: joined(name, value) for name, value in kwargs.items()}

    def explain(self, error: Exception, args: tuple[Any, ...]) -> None:
        """Say so where torch cannot compute on a nested or distributed tensor what the formula needs."""
        for name, value in zip(self.positional, args, strict=False):
            way = check.in_parts(value) if isinstance(value, Tensor) else None
            if way:
                kind = type(value).__name__
                raise TypeError(
                    f"{self.name} cannot be computed on a {kind}: give {way.format(name)}; torch: {error}"
                ) from error

    def _swapped(self, error: TypeError, args: tuple[Any, ...]) -> TypeError:
        """Say so where two tensors are refused that would be taken in the other order."""
        if self._take(args):
            return error  # something else is wrong
        for i, j in itertools.combinations(range(len(args)), 2):
            other = list(args)
            other[i], other[j] = other[j], other[i]
            if self._take(other):
                return TypeError(f"{error} ({self.positional[i]} and {self.positional[j]} look swapped)")
        return error

    def _take(self, args: Sequence[Any]) -> bool:
        try:
            for name, value in zip(self.positional, args, strict=False):
                self.rules[name](name, value)
        except (TypeError, ValueError):
            return False
        return True


def instead(name: str, taken: Iterable[str]) -> str:
    """Say which argument was probably meant, or which there are."""
    near = difflib.get_close_matches(name, list(taken), 1, 0.7)
    return f"; did you mean {near[0]}?" if near else f"; it takes {', '.join(taken)}"


def is_recorded(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Say whether an argument stands for a tensor while ``torch.fx`` is recording."""
    return any(isinstance(value, Proxy) for value in (*args, *kwargs.values()))


def recorded(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Leave a call of the function in the graph that ``torch.fx`` is recording."""
    return Proxy.__torch_function__(function, (Proxy,), args, kwargs)


def published(call: Callable[P, R], signature: inspect.Signature, found: Mapping[str, Rule]) -> Callable[P, R]:
    """Give a wrapper what others look for in it: the signature for a reader, the rules for a module, its own code."""
    call.__signature__ = signature  # type: ignore[attr-defined]
    call.__annotations__ = {n: p.annotation for n, p in signature.parameters.items()} | {
        "return": signature.return_annotation
    }
    call.rules = found  # type: ignore[attr-defined]
    # torch.compile counts recompilations by code object: without its own, each loss would use up the limit of all.
    call.__code__ = call.__code__.replace(co_name=call.__name__)
    return call


def _for_backward(value: object) -> object:
    """Copy a tensor made in inference mode, which cannot be saved for a backward pass; inside that mode it stays."""
    inferred = isinstance(value, Tensor) and value.is_inference() and not torch.is_inference_mode_enabled()
    return value.clone() if inferred else value  # type: ignore[attr-defined]


def _widen(value: object) -> object:
    return value.float() if isinstance(value, Tensor) and value.dtype in NARROW else value
