"""Walk through large tensors on the CPU in blocks that stay in the cache, each thread through blocks of its own."""

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
BLOCK = 1 << 17  # entries: 512 KiB of float32, so that a block and what is computed from it stay in a core's cache


def blocks(size: int, entries_each: int = 1, block: int | None = None) -> Iterator[slice]:
    """Cut ``size`` rows of ``entries_each`` entries into slices of about ``block`` entries."""
    step = max(1, (BLOCK if block is None else block) // max(entries_each, 1))
    for start in range(0, size, step):
        yield slice(start, min(start + step, size))


def tiles(outer: int, classes: int, inner: int, block: int | None = None) -> Iterator[tuple[slice, slice]]:
    """Cut a tensor of shape (outer, classes, inner) into tiles of whole rows of classes."""
    block = block_for(outer * classes * inner) if block is None else block
    for o in blocks(outer, classes, block):
        for i in blocks(inner, (o.stop - o.start) * classes, block):
            yield o, i


def block_for(entries: int) -> int:
    """Say how many entries a block has: all of them where the cores' caches hold them, else as many for each core."""
    threads = torch.get_num_threads()
    rounds = -(-entries // (threads * BLOCK))
    return entries if rounds <= 1 else -(-entries // (rounds * threads))


def in_parallel(work: Callable[[T], None], pieces: Sequence[T], near: Tensor) -> None:
    """Do the ``work`` on all pieces, each of torch's threads taking the next one that is left, until there is none.

    An operation on a large tensor, which torch cuts into a part for each thread, ends with the slowest of them. Where
    others use the CPU too, that is a long wait after every operation; here it is one wait in all, and a slow thread
    takes fewer pieces. One piece is left to torch's own threads.

    What a piece gives has to be stored by its place, not in the order in which pieces end. Where the tensor ``near`` is
    on a GPU, the caller does it all: its stream is not that of other threads.
    """
    threads, left = torch.get_num_threads(), iter(pieces)

    def one_thread() -> None:
        for piece in left:
            work(piece)

    def another_thread() -> None:
        with torch.inference_mode():  # the mode of the caller is not that of other threads
            one_thread()

    if threads == 1 or len(pieces) == 1 or near.device.type != "cpu":
        one_thread()
        return
    for done in [_pool(threads).submit(another_thread) for _ in pieces[:threads]]:
        done.result()


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Start threads in each of which torch computes alone."""
    pool = ThreadPoolExecutor(threads, "lossbook")
    inherited = pool.submit(torch.get_num_threads).result()
    all_there = threading.Barrier(threads)  # each has to do it

    def alone(_: int) -> None:
        all_there.wait()
        torch.get_num_threads()  # which a thread inherits when it first asks, even after it was set
        torch.set_num_threads(1)

    list(pool.map(alone, range(threads)))
    # A new thread inherits what any thread has set last: let that be what it was.
    last = threading.Thread(target=torch.set_num_threads, args=(inherited,))
    last.start()
    last.join()
    return pool


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # the threads stay with the parent


def as_rows(tensor: Tensor) -> Tensor:
    """View (classes,), (batch, classes) or (batch, classes, d1, ..., dK) as (outer, classes, inner)."""
    return tensor[None, :, None] if tensor.dim() == 1 else tensor[..., None].flatten(2)
