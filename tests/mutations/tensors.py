"""Mutations of tensors."""

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from outcomes import REFUSED, RIGHT, SAME
from torch import Tensor, nn

from mutations.mutation import EITHER, SKIP, Mutation, constant, of_value


class Vector(Tensor):
    """A subclass that changes nothing."""


NOT_A_TENSOR = {
    "text": constant(REFUSED, "tensor"),
    "bytes": constant(REFUSED, b"tensor"),
    "a list": of_value(REFUSED, lambda t: t.tolist() if t.dim() else SKIP),
    "an array": of_value(REFUSED, lambda t: t.numpy() if t.numel() != 1 else SKIP),
    "True": constant(REFUSED, True),
    "a complex number": constant(REFUSED, 1j),
    "an object": constant(REFUSED, object()),
    "a class": constant(REFUSED, Tensor),
    "a module": constant(REFUSED, nn.Identity()),
    "a tuple with the tensor": of_value(REFUSED, lambda t: (t,) if t.dim() else SKIP),
}
NOT_GIVEN = {"None": constant(REFUSED, None), "a number": constant(REFUSED, 1.5)}


def in_dtype(dtype: torch.dtype) -> Callable[[Tensor], Any]:
    def make(tensor: Tensor) -> Any:
        try:
            return tensor.to(dtype)
        except (RuntimeError, NotImplementedError):
            pass
        try:
            return torch.zeros(tensor.shape, dtype=torch.uint8).to(dtype)
        except (RuntimeError, NotImplementedError):
            pass
        try:
            return torch.empty(tensor.shape, dtype=dtype)
        except (RuntimeError, NotImplementedError):
            return SKIP

    return make


def quantized(tensor: Tensor, dtype: torch.dtype) -> Any:
    return torch.quantize_per_tensor(tensor.float(), 0.1, 0, dtype)


def meaning(mutant: Tensor, clean: Tensor) -> Tensor:
    return mutant.to(clean.dtype)


COMPUTED = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
COUNTED = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
NUMBERLESS = sorted(
    {d for d in vars(torch).values() if isinstance(d, torch.dtype)} - {*COMPUTED, *COUNTED},
    key=str,
)
QUANTIZED = [d for d in NUMBERLESS if str(d) in ("torch.qint8", "torch.quint8", "torch.qint32")]
UNSIGNED = [d for d in NUMBERLESS if str(d) in ("torch.uint16", "torch.uint32", "torch.uint64")]
DTYPES = {
    **{str(d): of_value(EITHER, in_dtype(d), like=meaning) for d in (*COMPUTED, *COUNTED)},
    **{str(d): of_value(REFUSED, in_dtype(d)) for d in NUMBERLESS if d not in QUANTIZED and d not in UNSIGNED},
    **{str(d): of_value(REFUSED, lambda t, d=d: quantized(t, d)) for d in QUANTIZED},
}
OF_FLOATS = DTYPES | {str(d): of_value(REFUSED, in_dtype(d)) for d in UNSIGNED}
OF_INTEGERS = DTYPES | {str(d): of_value(EITHER, in_dtype(d), like=meaning) for d in UNSIGNED}

LAYOUTS = {
    "coordinates": of_value(REFUSED, lambda t: t.to_sparse() if t.dim() else SKIP),
    "compressed rows": of_value(REFUSED, lambda t: t.to_sparse_csr() if t.dim() == 2 else SKIP),
    "compressed columns": of_value(REFUSED, lambda t: t.to_sparse_csc() if t.dim() == 2 else SKIP),
    "compressed blocks": of_value(REFUSED, lambda t: t.to_sparse_bsr((1, 1)) if t.dim() == 2 else SKIP),
    "mkldnn": of_value(REFUSED, lambda t: t.float().to_mkldnn() if t.is_floating_point() and t.dim() else SKIP),
    "nested": of_value(REFUSED, lambda t: torch.nested.nested_tensor(list(t)) if t.dim() > 1 else SKIP),
    "jagged": of_value(
        EITHER, lambda t: torch.nested.nested_tensor(list(t), layout=torch.jagged) if t.dim() > 1 else SKIP
    ),
    "on meta": of_value(REFUSED, lambda t: t.to("meta")),
}


def strided(t: Tensor) -> Any:
    return torch.stack([t, t + 1], -1)[..., 0] if t.dim() else SKIP


def reversed_storage(t: Tensor) -> Any:
    order = list(range(t.dim()))[::-1]
    return t.permute(order).contiguous().permute(order) if t.dim() > 1 else SKIP


def offset(t: Tensor) -> Tensor:
    around = torch.ones(3, dtype=t.dtype)
    return torch.cat([around, t.flatten(), around])[3:-3].view(t.shape)


def overlapping(t: Tensor) -> Any:
    if not t.dim() or not t.numel():
        return SKIP
    window = t.flatten()
    return window.as_strided(t.shape, [1 if i == t.dim() - 1 else 0 for i in range(t.dim())])


def unaligned(t: Tensor) -> Any:
    raw = bytearray(b"\0" + t.contiguous().numpy().tobytes())
    return torch.from_numpy(np.frombuffer(raw, t.numpy().dtype, offset=1).reshape(t.shape)) if t.numel() else SKIP


def read_only(t: Tensor) -> Tensor:
    array = t.numpy().copy()
    array.flags.writeable = False
    return torch.from_numpy(array)


def made_in_inference(t: Tensor) -> Tensor:
    with torch.inference_mode():
        return t.clone()


def negative_bit(t: Tensor) -> Any:
    return torch._neg_view(-t) if t.dtype.is_floating_point else SKIP


def imaginary_part(t: Tensor) -> Any:
    return torch.complex(torch.zeros_like(t), -t).conj().imag if t.dtype in (torch.float64, torch.float32) else SKIP


def itself(mutant: Tensor, clean: Tensor) -> Tensor:
    """Give a fresh, contiguous tensor of the same numbers."""
    with torch.inference_mode(False):
        return torch.empty(mutant.shape, dtype=mutant.dtype).copy_(mutant.detach())


MEMORY = {
    "every other entry": of_value(SAME, strided),
    "dimensions in reverse": of_value(SAME, reversed_storage),
    "channels last": of_value(
        SAME, lambda t: t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else SKIP
    ),
    "an offset": of_value(SAME, offset),
    "one row for all": of_value(SAME, lambda t: t[:1].expand(t.shape) if t.dim() and t.numel() else SKIP, like=itself),
    "overlapping rows": of_value(SAME, overlapping, like=itself),
    "unaligned": of_value(SAME, unaligned),
    "read only": of_value(SAME, read_only),
    "negative bit": of_value(SAME, negative_bit),
    "imaginary part": of_value(SAME, imaginary_part),
    "made in inference mode": of_value(SAME, made_in_inference),
    "a subclass": of_value(SAME, lambda t: t.clone().as_subclass(Vector)),
    "a Parameter": of_value(EITHER, lambda t: nn.Parameter(t.clone()) if t.is_floating_point() else SKIP),
    "not contiguous, a leaf": of_value(
        EITHER, lambda t: strided(t).detach().requires_grad_() if t.is_floating_point() and t.dim() else SKIP
    ),
}

SHAPES = {
    "a dimension more in front": of_value(RIGHT, lambda t: t[None].clone()),
    "a dimension more at the end": of_value(RIGHT, lambda t: t.unsqueeze(-1)),
    "a dimension less in front": of_value(RIGHT, lambda t: t[0].clone() if t.dim() and len(t) else SKIP),
    "a dimension less at the end": of_value(RIGHT, lambda t: t[..., 0].clone() if t.dim() and t.shape[-1] else SKIP),
    "flat": of_value(RIGHT, lambda t: t.flatten() if t.dim() > 1 else SKIP),
    "one number": of_value(RIGHT, lambda t: t.flatten()[0].clone() if t.dim() and t.numel() else SKIP),
    "one number of shape (1,)": of_value(RIGHT, lambda t: t.flatten()[:1].clone() if t.numel() else SKIP),
    "one row": of_value(RIGHT, lambda t: t[:1].clone() if t.dim() and len(t) > 1 else SKIP),
    "one column": of_value(RIGHT, lambda t: t[..., :1].clone() if t.dim() > 1 and t.shape[-1] > 1 else SKIP),
    "a row too many": of_value(RIGHT, lambda t: torch.cat([t, t[:1]]) if t.dim() and len(t) else SKIP),
    "a row too few": of_value(RIGHT, lambda t: t[1:].clone() if t.dim() and len(t) else SKIP),
    "a column too many": of_value(RIGHT, lambda t: torch.cat([t, t[..., :1]], -1) if t.dim() > 1 else SKIP),
    "a column too few": of_value(RIGHT, lambda t: t[..., 1:].clone() if t.dim() > 1 else SKIP),
    "no row": of_value(RIGHT, lambda t: t[:0].clone() if t.dim() else SKIP),
    "no column": of_value(RIGHT, lambda t: t[..., :0].clone() if t.dim() > 1 else SKIP),
    "transposed": of_value(RIGHT, lambda t: t.mT.clone() if t.dim() > 1 and t.shape[-1] != t.shape[-2] else SKIP),
    "nothing": of_value(RIGHT, lambda t: t.new_empty(0)),
}


def entry(due: str, value: float, everywhere: bool = False) -> Mutation:
    def make(t: Any, rng: random.Random) -> Any:
        if not t.numel() or not (
            t.is_floating_point() or torch.iinfo(t.dtype).min <= value <= torch.iinfo(t.dtype).max
        ):
            return SKIP
        changed = t.clone()
        if everywhere:
            return changed.fill_(value)
        changed.view(-1)[rng.randrange(t.numel())] = value
        return changed

    return Mutation(due, make)


EXTREME = (math.nan, math.inf, -math.inf, 1e308, -1e308, 1e30, -1e30, 1e-320, 1e-30, 0.0, -0.0, 1.0, -1.0, 2.0, 2.0**63)
VALUES = {
    **{f"{value!r} in one entry": entry(RIGHT, value) for value in EXTREME},
    **{f"{value!r} everywhere": entry(RIGHT, value, everywhere=True) for value in EXTREME},
}
NARROW = (math.nan, math.inf, -math.inf, 3e38, -3e38, 1e18, -1e18, 1e4, -1e4, 90.0, -110.0, 1e-40, 1e-20, 0.0, 1.0)
VALUES |= {f"float32, {value!r} in one entry": entry(RIGHT, value) for value in NARROW}
VALUES |= {f"float32, {value!r} everywhere": entry(RIGHT, value, everywhere=True) for value in NARROW}
LABELS = (-1, -2, -100, 255, 99, 2**31, 2**63 - 1, -(2**63), 0, 1, 2)
INTEGER_VALUES = {
    **{f"{value} in one entry": entry(RIGHT, value) for value in LABELS},
    **{f"{value} everywhere": entry(RIGHT, value, everywhere=True) for value in LABELS},
}
WEIGHTS = {
    **{f"{value!r} in one entry": entry(REFUSED, value) for value in (math.nan, math.inf, -math.inf, -1.0, -1e-320)},
    **{f"{value!r} everywhere": entry(REFUSED, value, everywhere=True) for value in (math.nan, math.inf, -1.0)},
    **{f"{value!r} in one entry": entry(RIGHT, value) for value in (0.0, -0.0, 1e-320, 1e-30, 1e30, 1e308)},
    **{f"{value!r} everywhere": entry(RIGHT, value, everywhere=True) for value in (1e-30, 1e30, 2.0)},
}

BY_KIND = {
    "scores": NOT_A_TENSOR | NOT_GIVEN | OF_FLOATS | LAYOUTS | MEMORY | SHAPES | VALUES,
    "indices": NOT_A_TENSOR | NOT_GIVEN | OF_INTEGERS | LAYOUTS | MEMORY | SHAPES | INTEGER_VALUES,
    "bias": NOT_A_TENSOR | OF_FLOATS | LAYOUTS | MEMORY | SHAPES | VALUES,
    "weight": NOT_A_TENSOR | OF_FLOATS | LAYOUTS | MEMORY | SHAPES | WEIGHTS,
}
