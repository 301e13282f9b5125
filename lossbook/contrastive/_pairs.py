"""What the contrastive losses share: their features, and the logits of all pairs."""

import torch
from torch import Tensor

from .._core import beside, check
from .._core.autocast import no_autocast
from .._core.reduce import kept


def check_features(*, at_least: bool = False, **named: Tensor) -> None:
    """Refuse what is not two batches of features, one row for each pair (``at_least`` allows more in the second)."""
    (first, one), (second, other) = named.items()
    if one.dim() != 2:
        raise ValueError(f"{first} must have shape (batch, features); got {tuple(one.shape)}")
    if not at_least:
        check.same_shape(**named)
    elif other.dim() != 2 or other.shape[1] != one.shape[1] or other.shape[0] < one.shape[0]:
        raise ValueError(
            f"{second} must have at least as many rows as {first} {tuple(one.shape)}, and its features; "
            f"got {tuple(other.shape)}"
        )


def own_pair(logits: Tensor) -> Tensor:
    """Say where a row meets its own column."""
    return beside(torch.eye(*logits.shape, dtype=torch.bool, device=logits.device), logits)


def diagonal(pairs: Tensor) -> Tensor:
    """Read what each row has in its own column; torch's ``diagonal`` warns under torch.compile."""
    own = beside(torch.arange(pairs.shape[0], device=pairs.device), pairs)
    return pairs.gather(1, own[:, None]).squeeze(1)


def pair_logits(one: Tensor, other: Tensor, entry: Tensor | None) -> Tensor:
    """Take the inner product of each row with each row; -inf where one of the two belongs to a removed pair.

    A removed pair keeps its own logit, so that no row and no column is without any.
    """
    if entry is None:
        return _inner_products(one, other)
    others = torch.cat([entry, entry.new_ones(other.shape[0] - one.shape[0])])
    logits = _inner_products(kept(entry, one, dim=-1), kept(others, other, dim=-1))
    removed = (entry == 0)[:, None] | (others == 0)
    return logits.masked_fill(removed & ~own_pair(logits), -torch.inf)


def _inner_products(one: Tensor, other: Tensor) -> Tensor:
    wide = torch.promote_types(one.dtype, other.dtype)
    with no_autocast(one):  # it would round logits of 100 to multiples of 0.5
        return one.to(wide) @ other.to(wide).mT
