"""Arithmetic with conventions: 0 · log 0 = 0, a clamp with a fast gradient, numbers beside distributed tensors."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from . import check


def times(weight: Tensor, value: Tensor) -> Tensor:
    """Multiply so that 0 · ±inf is 0, in value and gradient; every other product is the usual one."""
    if check.looking_is_free(value) and math.isfinite(value.detach().sum().item()):
        return weight * value  # nearly always: the rest costs several times as much
    # Where the weight is 0 and constant, the value has no gradient of any order: detached, it needs no stored mask.
    finite = (value if weight.requires_grad else value.detach()).nan_to_num(nan=torch.nan, posinf=0.0, neginf=0.0)
    return weight * torch.where(weight == 0, finite, value)


def clip(value: Tensor, low: float, high: float) -> Tensor:
    """Limit to an interval, with gradient 0 outside: by hardtanh, whose backward is faster than that of clamp."""
    plain = type(value).__torch_dispatch__ is Tensor.__torch_dispatch__  # a distributed tensor knows clamp alone
    return F.hardtanh(value, low, high) if plain else value.clamp(low, high)


def beside(made: Tensor, near: Tensor) -> Tensor:
    """Let a tensor that a formula makes go with a distributed one: it is whole on every rank."""
    mesh = getattr(near, "device_mesh", None)
    if mesh is None:
        return made
    from torch.distributed.tensor import DTensor, Replicate

    return DTensor.from_local(made, mesh, [Replicate()] * mesh.ndim, run_check=False)
