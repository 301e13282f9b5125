"""Labels that say with -1 or 1 which way a pair goes."""

from torch import Tensor

from .._core import Sign, check_domain
from .._core.reduce import kept


def signs(target: Tensor, entry: Tensor | None) -> Tensor:
    """Refuse labels other than -1 and 1, where values are checked and the entry's weight is not zero."""
    target = kept(entry, target)
    check_domain("target", target, Sign)
    return target
