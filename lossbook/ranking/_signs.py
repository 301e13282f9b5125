"""Labels that say with -1 or 1 which way a pair goes."""

from torch import Tensor

from .._core import check
from .._core.reduce import kept


def signs(target: Tensor, entry: Tensor | None) -> Tensor:
    """Refuse labels other than -1 and 1, where values are checked and the entry's weight is not zero."""
    if target.dtype not in (*check.FLOATS, *check.INTEGERS):
        raise TypeError(f"target must hold -1 or 1, as floating-point or integer numbers; got {target.dtype}")
    target = kept(entry, target)
    check.values("target", target, lambda y: y.abs() == 1, "-1 or 1, for labels 0 and 1 use 2 * target - 1")
    return target
