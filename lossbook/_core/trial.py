"""A loss with an example: what every promise is tried on."""

import copy
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

Loss = Callable[..., Tensor]
Refill = Callable[..., tuple[Any, ...]]
DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
SCALES = (1.0, 10.0, 100.0, 1e4)
REFUSALS = (ValueError, TypeError, RuntimeError, AssertionError)  # of values, where shapes and dtypes are as before


class NotCheckedError(Exception):
    """A check that says nothing about this loss or this example; the text says why."""


@dataclass(frozen=True)
class Trial:
    """A loss with an example, and what is known of the two: the one argument of a check."""

    loss: Loss
    args: tuple[Any, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    gradients: tuple[int, ...] = (0,)
    oracle: Callable[..., Any] | None = None
    mean: Callable[..., Any] | None = None
    scales: tuple[float, ...] = SCALES
    compile: bool = False
    other: tuple[Any, ...] | None = None  # a second example of the same shapes; without one, the samples in reverse

    def __call__(self, **changed: Any) -> Tensor:
        return self.loss(*self.args, **{**self.settings, **changed})

    @property
    def reductions(self) -> tuple[str, ...]:
        """The values of ``reduction`` to try: none for a module, which is built with its own."""
        if isinstance(self.loss, nn.Module) or "reduction" not in parameters_of(self.loss):
            return ()
        return ("none", "sum", "mean")

    def each(self) -> Tensor:
        """The loss of each entry, if the loss hands it out; else what it returns."""
        return self(reduction="none") if self.reductions else self()

    def at(self, *args: Any) -> "Trial":
        """The same with these in place of the first arguments."""
        return replace(self, args=(*args, *self.args[len(args) :]))

    def cast(self, dtype: torch.dtype) -> "Trial":
        """The same with every floating-point tensor in this dtype, those of a module too."""
        loss = copy.deepcopy(self.loss).to(dtype) if isinstance(self.loss, nn.Module) else self.loss
        settings = {name: cast(value, dtype) for name, value in self.settings.items()}
        return replace(self, loss=loss, args=tuple(cast(a, dtype) for a in self.args), settings=settings)

    def leaves(self) -> tuple[list[Tensor], Refill]:
        """The arguments that take gradients, as fresh leaves, and how to put others in their place."""
        leaves = [self.args[place].detach().clone().requires_grad_() for place in self.gradients]

        def refill(*tensors: Tensor) -> tuple[Any, ...]:
            filled = list(self.args)
            for place, tensor in zip(self.gradients, tensors, strict=True):
                filled[place] = tensor
            return tuple(filled)

        return leaves, refill

    def of_leaves(self) -> tuple[list[Tensor], Loss]:
        """The arguments that take gradients, and the loss as a function of them alone."""
        leaves, refill = self.leaves()
        return leaves, lambda *tensors: self.loss(*refill(*tensors), **self.settings)

    def value_and_gradients(self, **changed: Any) -> tuple[Tensor, list[Tensor]]:
        """The loss, and the gradients of its sum."""
        leaves, refill = self.leaves()
        value = self.loss(*refill(*leaves), **{**self.settings, **changed})
        return value, list(torch.autograd.grad(value.sum(), leaves, allow_unused=True, materialize_grads=True))


def parameters_of(loss: Loss) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(loss).parameters)
    except ValueError:  # a function written in C has no signature
        return ()


def cast(value: Any, dtype: torch.dtype) -> Any:
    return value.detach().to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def in_short(error: Exception) -> str:
    text = str(error).strip()
    if "batching rule for" in text:
        return "there is no batching rule for " + text.partition("batching rule for ")[2].split()[0].rstrip(".")
    reason = textwrap.shorten(text.splitlines()[0], 80, placeholder=" ...") if text else ""
    return f"{type(error).__name__}: {reason}".rstrip(",:")


def difference(
    actual: Tensor, expected: Tensor, rtol: float, atol: float | None = None, *, equal_nan: bool = False
) -> float | None:
    """Say how far two tensors are apart where that is too far: more than ``atol``, as a rule ``rtol`` times 1."""
    actual, expected = actual.detach().double(), expected.detach().double()
    if actual.shape != expected.shape:
        raise ValueError(f"shape {tuple(actual.shape)} in place of {tuple(expected.shape)}")
    far = ~torch.isclose(actual, expected, rtol=rtol, atol=rtol if atol is None else atol, equal_nan=equal_nan)
    return (actual - expected)[far].abs().max().item() if far.any() else None


def beside(tensor: Tensor, seed: int = 0) -> Tensor:
    """Numbers close to these, on either side of them."""
    tensor = tensor.detach()
    typical = tensor.abs().mean().item() or 1.0
    return tensor + 1e-3 * random_like(tensor, seed) * (typical + tensor.abs())


def random_like(like: Tensor, seed: int = 0) -> Tensor:
    """Numbers between -1 and 1, without touching the global generator."""
    rng = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(like.shape, generator=rng, dtype=like.dtype) - 1).to(like.device)
