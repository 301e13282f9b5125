"""The base class of the modules: settings in the constructor, tensors in the call."""

from typing import Any

from torch import Tensor, nn


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
        return super().__new__(cls)

    def extra_repr(self) -> str:
        """Show each setting as the constructor takes it."""
        return ", ".join(f"{name}={_show(getattr(self, name))}" for name in self.settings)


def _show(value: object) -> str:
    return f"tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
