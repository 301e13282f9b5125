"""Is a result right? Entry by entry, in the dtype of the arguments, as precise as the best known form can be.

A form may be wrong by a few roundings of the result, and by what a rounding of the arguments does to it: that is what
an honest order of operations costs. An unstable form is wrong by more.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ._plain import Plain

ROUNDINGS = 8
Slack = Callable[[], Tensor]


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a result: in words, and at which entry if it is one."""

    words: str
    entry: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Wanted:
    """What a result has to be.

    Attributes:
        exact: what is right, in float64.
        dtypes: what it may have.
        precision: how precise it has to be.
        beside: numbers of this size are added up on the way, so that their roundings are seen in the result.
        slack: gives what a rounding of the arguments may do to each entry; only called where that matters.
        touched: where a NaN or an infinity in an argument may be noticed; None where there is none.
        unknown: it is an infinity, and a careful form may do better than the exact one if that is NaN.
        nan: a NaN is what is right, and nothing else; otherwise the statement does not speak of it.
    """

    exact: Tensor
    dtypes: tuple[str, ...]
    precision: torch.dtype
    beside: float | Tensor
    slack: Slack
    touched: Tensor | None = None
    unknown: bool = False
    nan: bool = False


def difference(found: Plain, wanted: Wanted) -> Wrong | None:
    """Compare one tensor of a result with what is wanted."""
    exact = wanted.exact
    if lacks := missing(found, "number" if wanted.nan else "tensor"):
        return lacks
    if found["dtype"] not in wanted.dtypes:
        return Wrong(f"expected {wanted.dtypes[0]}, got {found['dtype']}")
    if bent := misshapen(found, exact):
        return bent
    got = torch.tensor(found["data"], dtype=torch.double).reshape(exact.shape)
    wrong = _wrong(got, wanted, None)
    if wrong.any():
        wrong = _wrong(got, wanted, wanted.slack())
    if not wrong.any():
        return None
    entry = tuple(wrong.nonzero()[0].tolist())
    expected, came = _told_apart(exact[entry].item() + 0.0, got[entry].item() + 0.0)
    where = f" at {list(entry)}" if exact.numel() > 1 else ""
    return Wrong(f"expected {expected}, got {came}{where}{_as_float32(got, wanted)}", entry)


def missing(found: Plain, word: str = "tensor") -> Wrong | None:
    """Say so where no tensor came, or no number."""
    if found.get("said") == "None":
        return Wrong("it returned None: is there a `return`?")
    return None if "dtype" in found else Wrong(f"expected a {word}, got {kind(found)}")


def misshapen(found: Plain, like: Tensor) -> Wrong | None:
    """Say so where a tensor has another shape than it should."""
    if found["shape"] == list(like.shape):
        return None
    return Wrong(f"expected shape {tuple(like.shape)}, got {tuple(found['shape'])}")


def _wrong(got: Tensor, wanted: Wanted, slack: Tensor | None) -> Tensor:
    exact, info = wanted.exact, torch.finfo(wanted.precision)
    allowed = ROUNDINGS * info.eps * (exact.abs().nan_to_num(0.0, 0.0) + wanted.beside)
    allowed = allowed + 4 * info.smallest_normal  # below it digits are lost on the way
    if slack is not None:
        allowed = allowed + slack
    right = (got - exact).abs() <= allowed
    right |= got == exact
    right |= (exact.abs() + allowed > info.max) & (got == math.inf * exact.sign())  # as it should overflow
    if wanted.nan:
        right |= exact.isnan() & got.isnan()
    elif wanted.touched is None or wanted.unknown:
        right |= exact.isnan()
    if (
        wanted.touched is not None
    ):  # an entry of its own may be anything, but a sum or a mean must not hide that there is no number
        no_number = ~got.isfinite() | (got.abs() > 1e30)
        right |= wanted.touched if exact.numel() > 1 else wanted.touched & no_number
    return ~right


def _as_float32(got: Tensor, wanted: Wanted) -> str:
    """Say so where a float64 result is as precise as float32, and no better."""
    if wanted.precision != torch.float64:
        return ""
    off = ((got - wanted.exact) / wanted.exact).abs().nan_to_num(0.0, 0.0)
    return ": as precise as float32 only" if off.numel() and 1e-9 < off.max() < 2e-7 else ""


def _told_apart(expected: float, got: float) -> tuple[str, str]:
    """Write two numbers, with as many digits as tell them apart."""
    for digits in (6, 9, 12, 17):
        both = f"{expected:.{digits}g}", f"{got:.{digits}g}"
        if both[0] != both[1]:
            break
    return both


def kind(found: Plain) -> str:
    """Say what came instead of a tensor."""
    return f"{len(found['items'])} results" if "items" in found else str(found.get("said", "a tensor"))


def worded(value: Any) -> str:
    """Write an argument as a reader would type it."""
    if isinstance(value, Tensor):
        return worded(value.tolist())
    if isinstance(value, list):
        return f"[{', '.join(worded(each) for each in value)}]"
    if isinstance(value, float):
        return f"{value:.6g}"
    return repr(value) if isinstance(value, int) else type(value).__name__
