"""Factors of the entries of a binary cross entropy that broadcast: ``weight`` and ``pos_weight``."""

from torch import Tensor

from .._core import Weight, check, check_domain


def check_factors(input: Tensor, **factors: Tensor | None) -> None:
    """Refuse factors that do not broadcast to ``input``."""
    for name, factor in factors.items():
        if factor is not None:
            per_class = "so for images (batch, classes, height, width) use shape (classes, 1, 1)"
            check.broadcastable(name, factor, input.shape, per_class if name == "pos_weight" else "one for each entry")
            check_domain(name, factor, Weight)
