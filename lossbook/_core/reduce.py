"""What every loss does around its formula: arithmetic dtype, sample weights, reduction."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import ParamSpec

import torch
from torch import Tensor

from . import check

P = ParamSpec("P")
NARROW = (torch.bfloat16, torch.float16)


def formula(loss: Callable[P, Tensor]) -> Callable[P, Tensor]:
    """Compute a loss of bfloat16 or float16 tensors in float32, and return it in the dtype that came.

    Under autocast the loss stays float32, as torch's own losses do there. Between float tensors of different
    widths the usual promotion decides.
    """
    positional = [n for n, p in inspect.signature(loss).parameters.items() if p.kind is not p.KEYWORD_ONLY]

    @functools.wraps(loss)
    def wide(*args: P.args, **kwargs: P.kwargs) -> Tensor:
        if len(args) > len(positional):
            raise TypeError(
                f"{loss.__name__}() takes {', '.join(positional)} by position and every setting by its name; "
                f"got {len(args)} arguments by position"
            )
        floats = [a.dtype for a in args if isinstance(a, Tensor) and a.dtype.is_floating_point]
        if not any(isinstance(a, Tensor) and a.dtype in NARROW for a in (*args, *kwargs.values())):
            return loss(*args, **kwargs)
        value = loss(*map(_widen, args), **{name: _widen(a) for name, a in kwargs.items()})  # type: ignore[arg-type]
        if not floats or torch.is_autocast_enabled(value.device.type):
            return value
        return value.to(functools.reduce(torch.promote_types, floats))

    # torch.compile counts recompilations by code object: without its own, each loss would use up the limit of all.
    wide.__code__ = wide.__code__.replace(co_name=loss.__name__)  # type: ignore[attr-defined]
    return wide


def _widen(value: object) -> object:
    return value.float() if isinstance(value, Tensor) and value.dtype in NARROW else value


def entry_weight(sample_weight: Tensor | None, shape: Sequence[int]) -> Tensor | None:
    """Broadcast ``sample_weight`` from the leading dimensions to the unreduced loss of shape ``shape``."""
    if sample_weight is None:
        return None
    check.tensors(sample_weight=sample_weight)
    if not (sample_weight.dtype.is_floating_point or sample_weight.dtype == torch.bool):
        raise TypeError(f"sample_weight must be bool or floating point; got {sample_weight.dtype}")
    leading = tuple(sample_weight.shape)
    if leading != tuple(shape[: len(leading)]):
        raise ValueError(
            f"sample_weight must have the shape of the unreduced loss, {tuple(shape)}, "
            f"or its leading dimensions; got {leading}"
        )
    if sample_weight.is_floating_point():
        check.values("sample_weight", sample_weight, lambda w: w >= 0, "at least 0", interval=True)
    return sample_weight.reshape(leading + (1,) * (len(shape) - len(leading))).expand(shape)


def kept(weight: Tensor | None, tensor: Tensor, *, fill: float = 1.0, dim: int | None = None) -> Tensor:
    """Put a harmless ``fill`` where the weight is zero, so that no NaN there reaches value or gradient.

    ``dim`` is the dimension, if any, that ``tensor`` has and the unreduced loss has not (classes, features).
    """
    if weight is None:
        return tensor
    dropped = weight == 0
    return tensor.masked_fill(dropped if dim is None else dropped.unsqueeze(dim), fill)


def reduce(
    loss: Tensor,
    reduction: str,
    *,
    weight: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    count: Tensor | None = None,
) -> Tensor:
    """Reduce an unreduced loss.

    "mean" divides the (weighted) sum by ``normalizer``, or else by what the entries count: 1 each, or ``count``
    each, times their weight. The mean of nothing is NaN; with ``normalizer`` it is 0.
    "batchmean" counts one for each entry of the first dimension.
    """
    if weight is not None:
        weight = weight.to(loss.dtype)
        loss = loss.masked_fill(weight == 0, 0.0) * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if normalizer is not None:
        return loss.sum() / normalizer
    if count is None and weight is None and reduction == "mean":
        return loss.mean()
    if weight is None:
        weight = loss.new_ones(()).expand(loss.shape)
    divisor = (weight if count is None else weight * count).sum()
    if reduction == "batchmean":
        divisor = divisor * (loss.shape[0] / max(loss.numel(), 1))
    return loss.sum() / divisor
