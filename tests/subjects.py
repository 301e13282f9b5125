"""Every loss and activation of the package with its oracle: what the contract tests run over."""

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import torch
from mpmath import mp, mpf
from oracles import Case
from torch import Tensor, nn

import lossbook
from lossbook._core.module import Loss

mp.dps = 40


@dataclass(frozen=True)
class Subject:
    stem: str
    family: str
    function: Callable[..., Tensor]
    cls: type[nn.Module]
    oracle: ModuleType

    def __str__(self) -> str:
        return self.stem

    @property
    def is_loss(self) -> bool:
        return issubclass(self.cls, Loss)

    @property
    def twin(self) -> Callable[..., Tensor] | None:
        return getattr(self.oracle, "TWIN", getattr(nn.functional, self.function.__name__, None))

    @property
    def gradients(self) -> tuple[int, ...]:
        return getattr(self.oracle, "GRADIENTS", (0,))

    @property
    def coupled(self) -> bool:
        return getattr(self.oracle, "COUPLED", False)

    @property
    def cases(self) -> list[Case]:
        return list(self.oracle.CASES)

    def batch_dims(self, args: tuple[Any, ...]) -> tuple[int | None, ...]:
        return getattr(self.oracle, "BATCH_DIMS", (0,) * len(args))

    def entries(self, args: tuple[Any, ...], settings: dict[str, Any]) -> list[mpf]:
        """Unreduced losses by the oracle, in row-major order."""
        return self.oracle.oracle(*map(exact, args), **{name: exact(value) for name, value in settings.items()})

    def reduced(self, args: tuple[Any, ...], settings: dict[str, Any], reduction: str, weights: list[Any]) -> Any:
        """The oracle's reduction: weighted sum, divided in "mean" by the weighted count."""
        args, settings = tuple(map(exact, args)), {name: exact(value) for name, value in settings.items()}
        losses = self.oracle.oracle(*args, **settings)
        counts = self.oracle.count(*args, **settings) if hasattr(self.oracle, "count") else [1] * len(losses)
        if reduction == "mean" and hasattr(self.oracle, "in_mean"):
            losses = self.oracle.in_mean(losses, *args, **settings)
        total = sum((w * loss for w, loss in zip(weights, losses, strict=True) if w != 0), mpf(0))
        return total if reduction == "sum" else total / sum(w * c for w, c in zip(weights, counts, strict=True))


def exact(value: Any) -> Any:
    """Turn tensors into nested lists and floats into ``mpf``, without rounding."""
    if isinstance(value, Tensor):
        value = value.detach().tolist()
    if isinstance(value, list):
        return [exact(item) for item in value]
    return mpf(value) if isinstance(value, float) else value


def subjects() -> Iterator[Subject]:
    for cls in vars(lossbook).values():
        if not (inspect.isclass(cls) and issubclass(cls, nn.Module)):
            continue
        module = importlib.import_module(cls.__module__)
        family, stem = cls.__module__.split(".")[-2:]
        function = getattr(module, stem, None) or getattr(module, f"{stem}_loss")
        yield Subject(stem, family, function, cls, importlib.import_module(f"oracles.{stem}"))


def public(namespace: ModuleType) -> list[str]:
    """The functions that a namespace offers, in alphabetical order."""
    return sorted(name for name, value in vars(namespace).items() if inspect.isfunction(value) and name[0] != "_")


SUBJECTS = sorted(subjects(), key=lambda subject: (subject.family, subject.stem))
LOSSES = [subject for subject in SUBJECTS if subject.is_loss]
CASES = [(subject, case) for subject in SUBJECTS for case in subject.cases]
LOSS_CASES = [(subject, case) for subject, case in CASES if subject.is_loss]


def draw(case: Case, scale: float = 1.0, seed: int = 0) -> tuple[Any, ...]:
    return case.draw(torch.Generator().manual_seed(seed), scale)


def places(subject: Subject, args: tuple[Any, ...]) -> list[int]:
    """Positions of the arguments that take gradients in this call."""
    return [i for i in subject.gradients if isinstance(args[i], Tensor) and args[i].is_floating_point()]


def differentiable(subject: Subject, args: tuple[Any, ...]) -> tuple[list[Tensor], Callable[..., tuple[Any, ...]]]:
    """The arguments that take gradients, as fresh leaves, and how to put others in their place."""
    where = places(subject, args)
    leaves = [args[i].detach().clone().requires_grad_() for i in where]

    def refill(*tensors: Tensor) -> tuple[Any, ...]:
        filled = list(args)
        for i, tensor in zip(where, tensors, strict=True):
            filled[i] = tensor
        return tuple(filled)

    return leaves, refill


def has_batch(argument: Any, dim: int | None) -> bool:
    return isinstance(argument, torch.Tensor) and argument.dim() > 0 and dim is not None


def take(subject: Subject, args: tuple[Any, ...], keep: list[int]) -> tuple[Any, ...]:
    """The batch entries ``keep``, and what an argument holds beyond the batch (keys without a query)."""
    pairs = list(zip(args, subject.batch_dims(args), strict=True))
    batch = min(a.shape[dim] for a, dim in pairs if has_batch(a, dim))
    return tuple(
        a.index_select(dim, torch.tensor([*keep, *range(batch, a.shape[dim])], dtype=torch.long))
        if has_batch(a, dim)
        else a
        for a, dim in pairs
    )


def convert(value: Any, dtype: torch.dtype) -> Any:
    """Cast floating-point tensors, leave everything else."""
    return value.to(dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def cast(args: tuple[Any, ...], settings: dict[str, Any], dtype: torch.dtype) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return tuple(convert(a, dtype) for a in args), {name: convert(v, dtype) for name, v in settings.items()}
