"""Walk through large tensors on the CPU in blocks that stay in the cache."""

from collections.abc import Iterator

from torch import Tensor

BLOCK = 1 << 18  # entries: 1 MiB of float32, so that a block and what is computed from it stay in the cache


def blocks(size: int, entries_each: int = 1, block: int = BLOCK) -> Iterator[slice]:
    """Cut ``size`` rows of ``entries_each`` entries into slices of about ``block`` entries."""
    step = max(1, block // max(entries_each, 1))
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


def tiles(outer: int, classes: int, inner: int, block: int = BLOCK) -> Iterator[tuple[slice, slice]]:
    """Cut a tensor of shape (outer, classes, inner) into tiles of whole rows of classes."""
    for o in blocks(outer, classes, block):
        for i in blocks(inner, (o.stop - o.start) * classes, block):
            yield o, i


def as_rows(tensor: Tensor) -> Tensor:
    """View (classes,), (batch, classes) or (batch, classes, d1, ..., dK) as (outer, classes, inner)."""
    return tensor[None, :, None] if tensor.dim() == 1 else tensor[..., None].flatten(2)
