"""The base class of the modules: settings in the constructor, tensors in the call."""

import inspect
from typing import Any

from torch import Tensor, nn

from . import check


class Loss(nn.Module):
    """Base of every loss module: refuses tensors where settings belong, and shows its settings."""

    settings: tuple[str, ...] = ("reduction",)

    def __new__(cls, *args: Any, **kwargs: Any) -> "Loss":
        """Refuse ``Loss(input, target)``, which torch takes for two settings."""
        if sum(isinstance(argument, Tensor) for argument in args) > 1:
            raise TypeError(
                f"{cls.__name__}() takes settings, and its result takes the tensors: "
                f"loss = {cls.__name__}(); loss(input, target)"
            )
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
        if len(args) > sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters):
            names = ", ".join(f"{p.name}=..." for p in parameters if p.kind is p.KEYWORD_ONLY)
            raise TypeError(f"{cls.__name__}() takes settings by name: {cls.__name__}({names}); got {args!r}")
        return super().__new__(cls)

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Refuse a buffer that is not a tensor, such as a list of class weights."""
        if tensor is not None:
            check.tensors(**{name: tensor})
        super().register_buffer(name, tensor, persistent)

    def register_scalar(self, name: str, value: Tensor | float) -> None:
        """Keep a setting that is a number or a 0-d tensor: a parameter as one, any other tensor as a buffer."""
        if not isinstance(value, Tensor) or isinstance(value, nn.Parameter):
            setattr(self, name, value)
            return
        if value.grad_fn is not None:
            raise ValueError(
                f"{name} is the result of a computation, whose graph lasts one step, and a module lasts for many: give "
                f"a number or an nn.Parameter, or call the function with {name}= in each step"
            )
        self.register_buffer(name, value)

    def extra_repr(self) -> str:
        """Show each setting as the constructor takes it."""
        return ", ".join(f"{name}={_show(getattr(self, name))}" for name in self.settings)


def _show(value: object) -> str:
    return f"tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
