"""What an answer may not change for everybody else: modes, defaults, random numbers, warnings, functions of torch."""

import builtins
import math
import os
import random
import sys
import warnings
from typing import Any

import torch
import torch.nn.functional
from torch import Tensor, nn

from .. import functional

State = dict[str, Any]
NAMESPACES = (
    torch,
    Tensor,
    torch.nn.functional,
    torch.autograd,
    torch.linalg,
    torch.special,
    functional,
    math,
    builtins,
)


def snapshot(functions: bool = True) -> State:
    """Remember it all, or all but the functions, which takes ten times as long."""
    spaces = NAMESPACES if functions else ()
    return {
        "the gradient mode": torch.is_grad_enabled(),
        "the inference mode": torch.is_inference_mode_enabled(),
        "the default dtype": torch.get_default_dtype(),
        "the random numbers of torch": torch.get_rng_state(),
        "the random numbers of Python": random.getstate(),
        "the deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "the number of threads": torch.get_num_threads(),
        "the filters of warnings": _filters(),
        "the recursion limit": sys.getrecursionlimit(),
        "the working directory": os.getcwd(),
        "the environment": dict(os.environ),
        **{f"functions of {space.__name__}": dict(vars(space)) for space in spaces},
    }


RANDOM = ("the random numbers of torch", "the random numbers of Python")


def changed(before: State, functions: bool = True, random: bool = False) -> str:
    """Name what is no longer as it was; "" where all is. With ``random``, random numbers may have been drawn."""
    now = snapshot(functions)
    for name, value in before.items():
        if name not in now or (random and name in RANDOM):
            continue
        if name.startswith("functions of "):
            held = now[name]
            lost = [key for key, thing in value.items() if held.get(key, thing) is not thing]
            lost += [key for key in held if key not in value] if name == "functions of Tensor" else []
            if lost:
                return f"{name.removeprefix('functions of ')}.{lost[0]}"
        elif not (torch.equal(value, now[name]) if isinstance(value, Tensor) else value == now[name]):
            return name
    return ""


def restore(before: State) -> None:
    """Put it all back; only needed where the answer ran in this very process."""
    torch.set_grad_enabled(before["the gradient mode"])
    torch.set_default_dtype(before["the default dtype"])
    torch.set_rng_state(before["the random numbers of torch"])
    random.setstate(before["the random numbers of Python"])
    torch.use_deterministic_algorithms(before["the deterministic mode"])
    torch.set_num_threads(before["the number of threads"])
    if _filters() != before["the filters of warnings"]:
        warnings.filters[:] = before["the filters of warnings"]  # type: ignore[index]
    sys.setrecursionlimit(before["the recursion limit"])
    os.chdir(before["the working directory"])
    os.environ.clear()
    os.environ.update(before["the environment"])
    for space in NAMESPACES:
        for name, thing in before[f"functions of {space.__name__}"].items():
            if vars(space).get(name, thing) is not thing:
                setattr(space, name, thing)


def _filters() -> list[Any]:
    """The filters of warnings, but for those that a module adds for its own kind when it is imported."""
    return [each for each in warnings.filters if each[2].__module__ == "builtins"]


def differs(before: Any, after: Any) -> bool:
    """Say whether an argument is no longer what it was; NaN is equal to NaN here."""
    if isinstance(before, Tensor):
        return (
            type(after) is not type(before)
            or after.shape != before.shape
            or after.dtype != before.dtype
            or not torch.equal(after.detach().nan_to_num(7.25), before.detach().nan_to_num(7.25))
            or not torch.equal(after.isnan(), before.isnan())
        )
    if isinstance(before, nn.Module):
        return differs(_parts(before), _parts(after))
    if isinstance(before, list | tuple):
        return len(before) != len(after) or any(differs(b, a) for b, a in zip(before, after, strict=True))
    return bool(before != after)


def _parts(module: nn.Module) -> list[Any]:
    """What makes a module what it is: its parts, their modes and hooks, its numbers."""
    names = [
        (name, type(part).__name__, part.training, len(part._forward_hooks), len(part._forward_pre_hooks),
         len(part._backward_hooks), "forward" in vars(part))
        for name, part in module.named_modules()
    ]  # fmt: skip
    tensors = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return [names, list(tensors), [p.requires_grad for p in module.parameters()], list(tensors.values())]
