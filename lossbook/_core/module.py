"""The base classes of the modules: settings in the constructor, tensors in the call."""

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from .formula import instead
from .kinds import Kind
from .settings import Rule


class Formula(nn.Module):
    """A function as a module: ``class HuberLoss(Loss, of=huber_loss)`` with its settings in the constructor.

    The constructor passes its settings on by name, and they are checked by the rules of the function. A setting whose
    type admits a tensor is kept as a buffer, or as the ``nn.Parameter`` that it is. ``forward`` takes the tensors, and
    whatever parameters of the function are no settings, and calls the function.
    """

    function: ClassVar[Callable[..., Tensor]]
    constructor: ClassVar[Any] = None
    settings: ClassVar[tuple[str, ...]] = ()

    if TYPE_CHECKING:  # a setting is an attribute of its own type, which no checker can know

        def __getattr__(self, name: str) -> Any: ...

    def __init_subclass__(cls, of: Callable[..., Tensor] | None = None, **others: Any) -> None:
        """Make ``forward`` from the function, unless the class has its own."""
        super().__init_subclass__(**others)
        if of is None:
            return
        cls.function = staticmethod(of)
        cls.constructor = cls.__init__
        if "__init__" in vars(cls) and "settings" not in vars(cls):
            cls.settings = tuple(inspect.signature(cls.__init__).parameters)[1:]
        if cls.forward is nn.Module.forward or getattr(cls.forward, "made", False):
            cls.forward = _forward(of, cls.settings)
        cls.__doc__ = _document(cls.__doc__ or "", of, cls.settings)

    def __new__(cls, *args: Any, **kwargs: Any) -> "Formula":
        """Refuse ``Loss(input, target)``, which torch takes for two settings; a subclass takes what it likes."""
        if cls.__init__ is not cls.constructor:
            return super().__new__(cls)
        if sum(isinstance(argument, Tensor) for argument in args) > 1:
            raise TypeError(
                f"{cls.__name__}() takes settings, and its result takes the tensors: "
                f"loss = {cls.__name__}(); loss(input, target)"
            )
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        for name in set(kwargs) - {p.name for p in parameters}:
            if name in cls.function.rules:  # type: ignore[attr-defined]
                raise TypeError(f"{name} is passed in the call: loss = {cls.__name__}(...); loss(..., {name}=...)")
            raise TypeError(f"{cls.__name__}() takes no {name!r}{instead(name, [p.name for p in parameters])}")
        if len(args) > sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters):
            names = ", ".join(f"{p.name}=..." for p in parameters if p.kind is p.KEYWORD_ONLY)
            raise TypeError(f"{cls.__name__}() takes settings by name: {cls.__name__}({names}); got {args!r}")
        return super().__new__(cls)

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        rules: dict[str, Rule] = getattr(self.function, "rules", {})
        for name, value in settings.items():
            rule = rules.get(name, Rule(None))
            admitted = rule(name, value)
            if rule.tensor and (isinstance(value, Tensor) or value is None):
                if isinstance(value, Tensor) and isinstance(rule.check, Kind):
                    rule.check.check_values(name, value)
                self._keep(name, value)
            else:
                setattr(self, name, admitted)

    def _keep(self, name: str, value: Any) -> None:
        """Keep a tensor, or the None that stands for one, so that it moves with the module and is saved with it."""
        if isinstance(value, nn.Parameter):
            self.register_parameter(name, value)
        elif value is not None and value.grad_fn is not None:
            raise ValueError(
                f"{name} is the result of a computation, whose graph lasts one step, and a module lasts for many: give "
                f"a number or an nn.Parameter, or call the function with {name}= in each step"
            )
        else:
            self.register_buffer(name, value)

    def extra_repr(self) -> str:
        """Show each setting as the constructor takes it."""
        return ", ".join(f"{name}={_show(getattr(self, name))}" for name in self.settings)


class Loss(Formula, nn.modules.loss._Loss):
    """Base of every loss module."""


class Activation(Formula):
    """Base of every output activation."""


def _forward(function: Callable[..., Tensor], settings: tuple[str, ...]) -> Callable[..., Tensor]:
    def forward(self: Formula, *args: Any, **kwargs: Any) -> Tensor:
        for name in settings:
            if name in kwargs:
                raise TypeError(f"{name} is a setting of the module: {type(self).__name__}({name}=...)")
        return function(*args, **{name: getattr(self, name) for name in settings}, **kwargs)

    signature = inspect.signature(function)
    taken = [p for n, p in signature.parameters.items() if n not in settings]
    this = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    forward.__signature__ = signature.replace(parameters=[this, *taken])  # type: ignore[attr-defined]
    forward.__doc__ = f"Call :func:`{function.__module__}.{function.__name__}` with the settings of this module."
    forward.made = True  # type: ignore[attr-defined]
    # torch.compile counts recompilations by code object: without its own, each module would use up the limit of all.
    forward.__code__ = forward.__code__.replace(co_name=f"{function.__name__}_forward")
    forward.__wrapped__ = _with_positions(tuple(p.name for p in taken if p.kind is p.POSITIONAL_OR_KEYWORD))  # type: ignore[attr-defined]
    return forward


def _with_positions(names: tuple[str, ...]) -> Callable[..., None]:
    """Make a function of these arguments: torch.fx reads the inputs of a module from code, not from a signature."""

    def stub(self: Formula) -> None: ...

    stub.__code__ = stub.__code__.replace(
        co_argcount=1 + len(names), co_varnames=("self", *names), co_nlocals=1 + len(names)
    )
    return stub


def _document(own: str, function: Callable[..., Tensor], settings: tuple[str, ...]) -> str:
    """Add to the docstring of a class what the function's says of its settings."""
    summary, _, contract = inspect.cleandoc(function.__doc__ or "").partition("\n\n")
    arguments = contract.partition("Args:\n")[2].partition("\n\n")[0]
    entries = re.split(r"\n(?=    \w+: )", arguments)
    kept = [entry for entry in entries if entry.strip().partition(":")[0] in settings]
    return "\n\n".join([inspect.cleandoc(own), summary, *(["Args:\n" + "\n".join(kept)] if kept else [])])


def _show(value: object) -> str:
    return f"tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
