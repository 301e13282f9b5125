"""The losses of one entry each, from one generator: a stem states its formula, everything else is here."""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from .._core import check, check_domain, kept
from .._core.autocast import under_autocast
from .._core.formula import NARROW
from ._blocks import block_for, blocks, in_parallel
from ._op import differentiate, gradients_now, number
from ._triton import cdiv, kernel_dtype, launch, run_kernels, sum_dtype, tl, triton

Tile = tuple[slice | int, ...]  # of a tensor
ENTRIES = 2048  # of a program at once
STEPS = 4  # as often, before it writes one partial sum, where there is work for many programs
MANY = 2048
LARGEST_INT32 = 2**31 - 1

# A formula gives, for an input x, a target t and further tensors of the same shape, the loss of one entry and its
# slopes; here the slope is multiplied by what the entry weighs in the end:
#
#   loss = sum_i w_i l(x_i, t_i) / divisor             d loss / d x_i = (w_i upstream / divisor) l'(x_i, t_i)
#
# Each argument is read once and each gradient written once. A program adds up its entries in registers and writes one
# partial sum; a second, small sum over these makes the loss, always in the same order.


@triton.jit
def _at(flat, sizes, strides):
    """Where entry ``flat`` of a tensor lies: its coordinates, the last dimension first, times the strides."""
    if strides is None:
        return flat
    else:  # noqa: RET505 (Triton needs the branch)
        at = tl.zeros_like(flat).to(tl.int64)
        for dim in tl.static_range(len(sizes) - 1, -1, -1):
            at += (flat % sizes[dim]).to(tl.int64) * strides[dim]
            flat = flat // sizes[dim]
        return at


@triton.jit
def _kernel(input, target, first, second, weight, divisor, upstream, loss, partial,
            input_gradient, target_gradient, first_gradient, settings, size, sizes, strides,
            FORMULA: tl.constexpr, OPTIONS: tl.constexpr, UPSTREAM_EACH: tl.constexpr, ACC: tl.constexpr,
            INDEX: tl.constexpr, BLOCK: tl.constexpr, STEPS: tl.constexpr):  # fmt: skip
    scale = tl.full([], 1, ACC)
    if divisor is not None:
        scale /= tl.load(divisor).to(ACC)
    if upstream is not None and not UPSTREAM_EACH:
        scale *= tl.load(upstream).to(ACC)
    total = tl.zeros([BLOCK], ACC)
    for step in range(STEPS):
        flat = (tl.program_id(0).to(tl.int64) * STEPS + step) * BLOCK + tl.arange(0, BLOCK)
        inside = flat < size
        flat = flat.to(INDEX)
        x = tl.load(input + _at(flat, sizes, strides[0]), inside, 0).to(ACC)
        t = tl.load(target + _at(flat, sizes, strides[1]), inside, 0).to(ACC)
        a = None
        b = None
        if first is not None:
            a = tl.load(first + _at(flat, sizes, strides[2]), inside, 0).to(ACC)
        if second is not None:
            b = tl.load(second + _at(flat, sizes, strides[3]), inside, 0).to(ACC)
        made = FORMULA(x, t, a, b, settings, OPTIONS)

        value = made[0]
        flow = scale
        counted = inside
        if weight is not None:
            w = tl.load(weight + _at(flat, sizes, strides[4]), inside, 0).to(ACC)
            counted = inside & (w != 0)
            value *= w
            flow *= w
        if UPSTREAM_EACH:
            flow *= tl.load(upstream + _at(flat, sizes, strides[5]), inside, 0).to(ACC)
        value = tl.where(counted, value, 0)
        total += value
        if loss is not None:
            tl.store(loss + _at(flat, sizes, strides[6]), value.to(loss.dtype.element_ty), inside)
        if input_gradient is not None:
            slope = tl.where(counted, made[1] * flow, 0).to(input_gradient.dtype.element_ty)
            tl.store(input_gradient + _at(flat, sizes, strides[7]), slope, inside)
        if target_gradient is not None:
            slope = tl.where(counted, made[2] * flow, 0).to(target_gradient.dtype.element_ty)
            tl.store(target_gradient + _at(flat, sizes, strides[8]), slope, inside)
        if first_gradient is not None:
            slope = tl.where(counted, made[3] * flow, 0).to(first_gradient.dtype.element_ty)
            tl.store(first_gradient + _at(flat, sizes, strides[9]), slope, inside)
    if partial is not None:
        tl.store(partial + tl.program_id(0), tl.sum(total.to(tl.float64)))


def _collapse(shape: Sequence[int], tensors: Sequence[Tensor | None]) -> tuple[list[int], list[list[int] | None]]:
    """Describe tensors of one shape by as few dimensions as they can share, the farthest strides first."""
    given = [t.stride() for t in tensors if t is not None]
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in given]
    for d in sorted((d for d, size in enumerate(shape) if size != 1), key=lambda d: -max(s[d] for s in given)):
        if sizes and all(made[-1] == s[d] * shape[d] for made, s in zip(steps, given, strict=True)):
            sizes[-1] *= shape[d]
            for made, s in zip(steps, given, strict=True):
                made[-1] = s[d]
        else:
            sizes.append(shape[d])
            for made, s in zip(steps, given, strict=True):
                made.append(s[d])
    left = iter(steps)
    return sizes or [1], [None if t is None else next(left) or [1] for t in tensors]


def _launch(formula: Any, options: Sequence[bool], settings: Sequence[float], tensors: Sequence[Tensor | None],
            divisor: Tensor | None, upstream: Tensor | None, acc: torch.dtype,
            summed: bool) -> Tensor | None:  # fmt: skip
    input, target, first, second, weight, upstreams, loss, *gradients = tensors
    assert input is not None
    steps = STEPS if input.numel() >= MANY * ENTRIES * STEPS else 1
    programs = cdiv(input.numel(), ENTRIES * steps)
    partial = input.new_empty(programs, dtype=sum_dtype(input)) if summed else None
    sizes, strides = _collapse(input.shape, tensors)
    dense = [math.prod(sizes[d + 1 :]) for d in range(len(sizes))]
    launch(
        _kernel, programs, input,
        input, target, first, second, weight, divisor, upstream if upstreams is None else upstreams, loss, partial,
        *gradients, tuple(number(s, input.new_empty(0, dtype=acc)) for s in settings), input.numel(), tuple(sizes),
        tuple(None if s is None or s == dense else tuple(s) for s in strides),
        FORMULA=formula, OPTIONS=tuple(options), UPSTREAM_EACH=upstreams is not None,
        ACC=kernel_dtype(acc),
        INDEX=tl.int32 if input.numel() <= LARGEST_INT32 - ENTRIES * STEPS else tl.int64,
        BLOCK=ENTRIES, STEPS=steps, num_warps=8,
    )  # fmt: skip
    return None if partial is None else partial.sum()


def _tiles(sizes: Sequence[int], block: int) -> Iterator[Tile]:
    """Cut a tensor of any number of dimensions into pieces of at most ``block`` entries."""
    inner = math.prod(sizes[1:])
    if len(sizes) == 1 or inner <= block:
        yield from ((piece,) for piece in blocks(sizes[0], inner, block))
    else:
        yield from ((row, *rest) for row in range(sizes[0]) for rest in _tiles(sizes[1:], block))


class _Scratch:
    """Memory for temporaries of the shape of a block, made when it is first asked for and used again."""

    def __init__(self, like: Tensor, dtype: torch.dtype) -> None:
        self.like, self.dtype, self.shape = like, dtype, like.shape
        self.rooms: dict[int | str, Tensor] = {}

    def __getitem__(self, place: int | str) -> Tensor:
        room = self.rooms.get(place)
        if room is None or room.numel() < self.shape.numel():
            room = self.rooms[place] = self.like.new_empty(self.shape, dtype=self.dtype)
        return room if room.shape == self.shape else room.view(-1)[: self.shape.numel()].view(self.shape)


def _by_blocks(formula: Any, options: Sequence[bool], settings: Sequence[float], tensors: Sequence[Tensor | None],
               mirrored: bool, divisor: Tensor | None, upstream: Tensor | None, acc: torch.dtype,
               summed: bool) -> Tensor | None:  # fmt: skip
    """Do the same in tensor operations, one block of entries at a time, with every temporary in reused memory."""
    input = tensors[0]
    assert input is not None
    if input.numel() == 0:
        return input.new_zeros((), dtype=sum_dtype(input)) if summed else None
    scale = None if divisor is None else divisor.reciprocal()
    if upstream is not None:
        scale = upstream if scale is None else scale * upstream
    block = block_for(input.numel())
    if block == input.numel() and all([t is None or t.is_contiguous() for t in tensors]):  # noqa: C419 (faster)
        return _one_block(formula, options, settings, tensors, mirrored, scale, _Scratch(input, acc), summed)
    sizes, strides = _collapse(input.shape, tensors)
    views = [None if t is None or s is None else t.as_strided(sizes, s) for t, s in zip(tensors, strides, strict=True)]
    cut = list(enumerate(_tiles(sizes, block)))
    totals = input.new_empty(len(cut), dtype=sum_dtype(input))

    idle: list[_Scratch] = []

    def work(piece: tuple[int, Tile]) -> None:
        place, tile = piece
        try:
            scratch = idle.pop()
        except IndexError:  # as often as there are threads
            scratch = _Scratch(input, acc)
        parts = [None if v is None else v[tile] for v in views]
        total = _one_block(formula, options, settings, parts, mirrored, scale, scratch, summed)
        if total is not None:
            totals[place] = total
        idle.append(scratch)

    in_parallel(work, cut, input)
    return totals.sum() if summed else None


def _one_block(formula: Any, options: Sequence[bool], settings: Sequence[float], tensors: Sequence[Tensor | None],
               mirrored: bool, scale: Tensor | None, scratch: _Scratch, summed: bool) -> Tensor | None:  # fmt: skip
    acc = scratch.dtype
    x, t, first, second, w, u, loss, *gradients = tensors
    assert x is not None
    scratch.shape = x.shape
    value = scratch["value"]
    wanted = [g is not None for g in gradients]
    slopes: list[Any] = [
        g if g is not None and g.dtype == acc else scratch[f"slope {k}"] if wanted[k] or k == 0 else None
        for k, g in enumerate(gradients)
    ]
    x, t, first, second = (v if v is None or v.dtype == acc else v.to(acc) for v in (x, t, first, second))
    formula(x, t, first, second, settings, options, value, slopes, wanted, scratch)
    flow = scale
    if w is not None:
        value.mul_(w)
        flow = w.to(acc) if flow is None else flow * w.to(acc)
        _drop(value, w)
    if u is not None:
        flow = u.to(acc) if flow is None else flow * u.to(acc)
    if loss is not None:
        loss.copy_(value)
    for k, (gradient, slope) in enumerate(zip(gradients, slopes, strict=True)):
        if slope is None or not any(wanted):
            continue
        if mirrored and k == 1:
            torch.neg(slopes[0], out=slope)
        elif flow is not None:
            slope.mul_(flow)
        if w is not None:
            _drop(slope, w)
        if gradient is not None and slope is not gradient:
            gradient.copy_(slope)
    return _total(value) if summed else None


def _drop(block: Tensor, weight: Tensor) -> None:
    """Put 0 where the weight is 0, even over NaN, by its bits: masked_fill_ takes a branch for each entry."""
    bits = torch.int64 if block.dtype == torch.float64 else torch.int32
    keep = torch.ne(weight, 0, out=torch.empty_like(weight, dtype=bits)).neg_()  # all bits or none
    block.view(bits).bitwise_and_(keep)


def _total(values: Tensor) -> Tensor:
    """Add up short rows in their own dtype, which is fast, and the rest in a wide one, which is exact."""
    rows = values.numel() // 256 * 256
    if rows == 0:
        return values.sum(dtype=sum_dtype(values))
    flat = values.view(-1)
    total = flat[:rows].view(-1, 256).sum(1).sum(dtype=sum_dtype(values))
    return total if rows == len(flat) else total + flat[rows:].sum(dtype=sum_dtype(values))


def all_finite(block: Tensor) -> bool:
    """Say whether a block has no infinite entry and no NaN, where looking is free, so that no fill is needed."""
    return block.device.type == "cpu" and math.isfinite(block.sum().item())


def elementwise(name: str, in_kernel: Any, in_blocks: Callable[..., None], *, mirrored: bool) -> Any:
    """Make the operator of a loss of one entry each.

    Args:
        name: of the public function.
        in_kernel: ``(x, t, first, second, settings, OPTIONS) -> (value, slope in x, slope in t[, slope in first])``;
            ``settings`` are pointers to numbers.
        in_blocks: ``(x, t, first, second, settings, options, value, slopes, wanted, spare)``, the same on tensors: it
            writes ``value`` and, where wanted, ``slopes``, of which the first is there in any case; ``spare[0]`` and so
            on are memory of the same shape, which it may use as it likes.
        mirrored: the loss depends on input - target, so that the slope in the target is minus the slope in the input;
            ``in_blocks`` then always writes ``slopes[0]`` and leaves ``slopes[1]`` alone.
    """

    def compute(input: Tensor, target: Tensor, first: Tensor | None, second: Tensor | None, weight: Tensor | None,
                divisor: Tensor | None, settings: Sequence[float], options: Sequence[bool], dtype: torch.dtype,
                upstream: Tensor | None, reduced: bool, wanted: Sequence[bool],
                ) -> tuple[Tensor | None, ...]:  # fmt: skip
        acc = arithmetic(input, target, first, second)
        loss = None if reduced or upstream is not None else torch.empty_like(input, dtype=dtype)
        leaves = (input, target, input if first is None else first)
        gradients = [torch.empty_like(x) if w else None for x, w in zip(leaves, wanted, strict=True)]
        summed, each = reduced and upstream is None, None
        if upstream is not None and (upstream.dim() or not reduced):
            each, upstream = upstream.expand(input.shape), None
        tensors = [input, target, first, second, weight, each, loss, *gradients]
        if run_kernels(input):
            total = _launch(in_kernel, options, settings, tensors, divisor, upstream, acc, summed)
        else:
            total = _by_blocks(in_blocks, options, settings, tensors, mirrored, divisor, upstream, acc, summed)
        if total is not None:
            loss = (total if divisor is None else total / divisor).to(dtype)
        return (loss, *gradients)

    @torch.library.custom_op(f"lossbook::{name}", mutates_args=())
    def op(input: Tensor, target: Tensor, first: Tensor | None, second: Tensor | None, weight: Tensor | None,
           divisor: Tensor | None, settings: Sequence[float], options: Sequence[bool], dtype: torch.dtype,
           upstream: Tensor | None, reduced: bool, wanted: Sequence[bool],
           ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
        """All tensors have the shape of the input, but the divisor and a 0-d upstream gradient."""
        made = compute(input, target, first, second, weight, divisor, settings, options, dtype, upstream, reduced,
                       wanted)  # fmt: skip
        like = (input.new_empty(0, dtype=dtype), input, target, input if first is None else first)
        loss, *gradients = (x.new_empty(0) if m is None else m for m, x in zip(made, like, strict=True))
        return loss, gradients[0], gradients[1], gradients[2]

    @op.register_fake
    def fake(input: Tensor, target: Tensor, first: Tensor | None, second: Tensor | None, weight: Tensor | None,
             divisor: Tensor | None, settings: Sequence[float], options: Sequence[bool], dtype: torch.dtype,
             upstream: Tensor | None, reduced: bool, wanted: Sequence[bool],
             ) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
        if upstream is not None:  # a backward pass, which has no use for the loss
            loss = input.new_empty(0, dtype=dtype)
        else:
            loss = input.new_empty((), dtype=dtype) if reduced else torch.empty_like(input, dtype=dtype)
        leaves = (input, target, input if first is None else first)
        made = [torch.empty_like(x) if w else x.new_empty(0) for x, w in zip(leaves, wanted, strict=True)]
        return loss, made[0], made[1], made[2]

    return differentiate(op, gradients=("input", "target", "first"), implementation=compute)


def run(op: Any, input: Tensor, target: Tensor, first: Tensor | None = None, second: Tensor | None = None, *,
        settings: Sequence[float] = (), options: Sequence[bool] = (), entry: Tensor | None,
        normalizer: Tensor | float | None, reduction: str, arguments: int = 2) -> Tensor:  # fmt: skip
    """Call an operator of ``elementwise`` on arguments that were checked.

    ``first`` and ``second`` broadcast to the input; of all four tensors the first ``arguments`` are positional
    arguments of the public function, which decide on the dtype of the result.
    """
    acc, dtype, wide = arithmetic(input, target), input.dtype, input
    if first is not None or second is not None or input.dtype != target.dtype or under_autocast(input):
        acc, dtype, wide = _meet(input, target, first, second, arguments)
    divisor = None
    if reduction == "mean":
        if normalizer is None:
            divisor = number(input.numel(), wide) if entry is None else entry.sum(dtype=acc)
        else:
            divisor = number(normalizer, wide)
    if first is not None and first.shape != input.shape:
        first = first.to(acc).expand(input.shape)
    if second is not None and second.shape != input.shape:
        second = second.to(acc).expand(input.shape)
    loss: Tensor = op(input, target, first, second, entry, divisor, settings, options, dtype, None,
                      reduction != "none", gradients_now(reduction, input, target, first))[0]  # fmt: skip
    return loss


def _meet(
    input: Tensor, target: Tensor, first: Tensor | None, second: Tensor | None, arguments: int
) -> tuple[torch.dtype, torch.dtype, Tensor]:
    """Give the dtype to compute in, that of the result, and a tensor that is as wide as the former, if any is."""
    factors = [f for f in (first, second) if f is not None and f.dim() >= min(input.dim(), 1)]
    floats = [t for t in (input, target, *factors) if t.is_floating_point()]
    acc = arithmetic(*floats)
    wide = next((t for t in floats if t.dtype == acc), input)
    if under_autocast(input):
        return acc, acc, wide
    narrow = any(t.dtype in NARROW for t in (*floats, *(f for f in (first, second) if f is not None)))
    deciding = [t for t in (input, target, first, second)[:arguments] if t is not None] if narrow else floats
    dtype = functools.reduce(torch.promote_types, (t.dtype for t in deciding if t.is_floating_point()))
    return acc, dtype, wide


def check_entries(name: str, tensor: Tensor, entry: Tensor | None, argument: Any) -> None:
    """Refuse a value that is not of a kind, given by its type, in an entry that counts, if it is looked at."""
    if check.values_are_checked(tensor):
        check_domain(name, kept(entry, tensor), argument)


def arithmetic(*tensors: Tensor | None) -> torch.dtype:
    """Give the dtype to compute in: float64 if any of the tensors is, else float32."""
    return torch.float64 if torch.float64 in [t.dtype for t in tensors if t is not None] else torch.float32
