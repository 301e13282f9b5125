"""Losses of all inner products between two batches of features, without ever holding all of them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .._core import entry_weight
from .._core.autocast import no_autocast
from .._core.formula import NARROW
from ._op import differentiate, number, reduce_rows
from ._triton import INTERPRETED, accumulator, cdiv, kernel_dtype, launch, run_kernels, tl, triton

# The tile of one program, and what it reads of the features at once; the interpreter would spend its time on padding.
ROWS, COLUMNS, FEATURES = (16, 32, 16) if INTERPRETED else (128, 256, 64)

# The slopes of some rows wait in scratch memory for the matrix products that turn them into gradients: of as many rows
# as TIMES_FEATURES says, so that the scratch is a few times as large as the keys, in at most so many ENTRIES.
TIMES_FEATURES = 6
LEAST_ROWS, ENTRIES = 512, 1 << 28
LEAST_ROWS_CPU, ENTRIES_CPU = 128, 1 << 20

# Logits z_ij = s <q_i, k_j>, and slopes g_ij = d loss / d z_ij:
#
#   d loss / d q_i = s sum_j g_ij k_j          d loss / d k_j = s sum_i g_ij q_i
#   d loss / d s   = sum_ij g_ij <q_i, k_j>    = sum_ij g_ij z_ij / s, with the tiles at hand,
#                                              = sum_i <q_i, (d loss / d q_i) / s>, with no pass over the pairs at all
#
# With the weight of a pair times its upstream gradient as a_i, and h = 1 (InfoNCE) or 1/2 (CLIP, both ways):
#
#   loss_i = h (R_i - z_ii) + h (C_i - z_ii)   R_i = log sum_j exp z_ij       C_j = log sum_i exp z_ij
#   g_ij   = h a_i (exp(z_ij - R_i) - 1[i = j]) + h a_j (exp(z_ij - C_j) - 1[i = j])      InfoNCE: the first half only
#
# A first pass over the tiles finds R and C together. Each tile leaves its maxima and its sums of exponentials relative
# to them, by rows and by columns, and these parts are merged in a fixed order: no atomics, the same bits on every run.
# A second pass computes the tiles again and writes the slopes of some rows, in the dtype of the features; torch's
# matrix product adds them to the gradients in float32. (A program that kept a block of a gradient itself has no room
# for more than 256 features, and would compute every tile again for each 256 more.) So the whole costs four matrix
# products: one for R and C, one for the slopes, two for the gradients.


@triton.jit
def inner_products(q, k, weight, start, stop, batch, keys, features, DOT: tl.constexpr, ACC: tl.constexpr,
                   ROWS: tl.constexpr, COLUMNS: tl.constexpr, FEATURES: tl.constexpr):  # fmt: skip
    """One tile of q k': its place among the tiles, its rows and columns, the products, and which pairs there are."""
    across = tl.cdiv(keys, COLUMNS)
    place = tl.program_id(0)  # neighbours in time are neighbours in both directions, and share what the cache holds
    i, j = tl.swizzle2d(place // across, place % across, tl.cdiv(stop - start, ROWS), across, 8)
    row = start + i * ROWS + tl.arange(0, ROWS)
    column = j * COLUMNS + tl.arange(0, COLUMNS)
    q += row.to(tl.int64)[:, None] * features
    k += column.to(tl.int64)[None, :] * features
    product = tl.zeros([ROWS, COLUMNS], ACC)
    for first in range(0, features, FEATURES):
        f = first + tl.arange(0, FEATURES)
        one = tl.load(q + f[None, :], (row < stop)[:, None] & (f < features)[None, :], 0)
        other = tl.load(k + f[:, None], (column < keys)[None, :] & (f < features)[:, None], 0)
        product = tl.dot(one.to(DOT), other.to(DOT), product, input_precision="ieee", out_dtype=ACC)
    there = (row < stop)[:, None] & (column < keys)[None, :]
    if weight is not None:
        there &= (tl.load(weight + row, row < stop, 0) != 0)[:, None]
        there &= (tl.load(weight + column, column < batch, 1) != 0)[None, :]
    return i, j, row, column, product, there


@triton.jit
def _store_parts(z, DIM: tl.constexpr, largest, total, at, exists):
    """Store the maxima of a tile along a dimension, and the sums of exponentials relative to them."""
    top = tl.max(z, DIM)
    finite = tl.where(top == float("-inf"), 0, top)  # nothing but removed pairs: adds nothing
    tl.store(largest + at, top, exists)
    tl.store(total + at, tl.sum(tl.exp(z - tl.expand_dims(finite, DIM)), DIM), exists)


@triton.jit
def _log_sums_kernel(q, k, weight, start, stop, batch, keys, features, scale, own,
                     row_largest, row_total, column_largest, column_total, DOT: tl.constexpr, ACC: tl.constexpr,
                     ROWS: tl.constexpr, COLUMNS: tl.constexpr, FEATURES: tl.constexpr):  # fmt: skip
    """Parts of R, shape (tiles across, rows), parts of C, shape (tiles down, keys), and own = z_ii."""
    i, j, row, column, product, there = inner_products(q, k, weight, start, stop, batch, keys, features,
                                                       DOT, ACC, ROWS, COLUMNS, FEATURES)  # fmt: skip
    z = tl.where(there, tl.load(scale) * product, float("-inf"))
    _store_parts(z, 1, row_largest, row_total, j.to(tl.int64) * (stop - start) + row - start, row < stop)
    if column_largest is not None:
        _store_parts(z, 0, column_largest, column_total, i.to(tl.int64) * keys + column, column < keys)
    if (start + i * ROWS) // COLUMNS == j:  # the diagonal passes through all rows, as ROWS divides start and COLUMNS
        z_own = tl.sum(tl.where(row[:, None] == column[None, :], z, 0), 1)
        tl.store(own + row, z_own, row < stop)


@triton.jit
def _half_of_slopes(z, is_own, DIM: tl.constexpr, largest, log_total, flow, at, exists):
    """Slopes h a (exp(z - R) - 1[own]), with R and a by rows (DIM 1) or by columns (DIM 0)."""
    top = tl.expand_dims(tl.load(largest + at, exists, 0), DIM)
    p = tl.exp((z - top) - tl.expand_dims(tl.load(log_total + at, exists, 0), DIM))
    return tl.where(is_own, p - 1, p) * tl.expand_dims(tl.load(flow + at, exists, 0), DIM)


@triton.jit
def _slopes_kernel(q, k, weight, start, stop, batch, keys, features, scale, row_largest, row_log_total,
                   column_largest, column_log_total, flow, slopes, slopes_row, along, centre, DOT: tl.constexpr,
                   ACC: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, FEATURES: tl.constexpr):  # fmt: skip
    """Slopes of some rows; in ``along`` their sum times z over each tile, all of which make s d loss / d s.

    As all slopes add up to 0, z may be counted from any number, ``centre``, which takes a large common part away.
    """
    i, j, row, column, product, there = inner_products(q, k, weight, start, stop, batch, keys, features,
                                                       DOT, ACC, ROWS, COLUMNS, FEATURES)  # fmt: skip
    z = tl.load(scale) * product
    is_own = row[:, None] == column[None, :]
    slope = _half_of_slopes(z, is_own, 1, row_largest, row_log_total, flow, row, row < stop)
    if column_largest is not None:
        slope += _half_of_slopes(z, is_own, 0, column_largest, column_log_total, flow, column, column < keys)
    slope = tl.where(there, slope, 0)
    if along is not None:
        tl.store(along + i * tl.cdiv(keys, COLUMNS) + j, tl.sum(slope * (z - tl.load(centre))))
    store_slopes(slope, slopes, slopes_row, row, column, start, stop, keys)


@triton.jit
def store_slopes(slope, slopes, slopes_row, row, column, start, stop, keys):
    """Write the slopes of a tile into the scratch memory, if there is one."""
    if slopes is not None:
        at = (row - start).to(tl.int64)[:, None] * slopes_row + column[None, :]
        tl.store(slopes + at, slope.to(slopes.dtype.element_ty), (row < stop)[:, None] & (column < keys)[None, :])


class Pairs:
    """Two batches of features: their logits for some rows at a time, and the gradients that the slopes add up to.

    Features of removed pairs are zeros here. The kernels read features of half precision as they are. In float32 and
    float64 the logits come from torch's matrix product, on every device (and under torch's settings for it), but in
    Triton's interpreter, where the kernels take all.

    Args:
        query: features, shape (batch, features).
        key: features, shape (keys, features).
        scale: what inner products are multiplied by, 0-d.
        weight: shape (batch,); zero removes a pair. None: all are there.
        wanted: whether to make the gradients of query, key and scale.
        columns: of a tile; fewer leave the kernel more registers.
    """

    def __init__(self, query: Tensor, key: Tensor, scale: Tensor, weight: Tensor | None, wanted: Sequence[bool],
                 columns: int) -> None:  # fmt: skip
        self.kernels = run_kernels(query) and (INTERPRETED or query.dtype in NARROW)
        self.wide = accumulator(query.dtype)
        dtype = query.dtype if self.kernels else self.wide
        self.q, self.k = query.to(dtype).contiguous(), key.to(dtype).contiguous()
        self.scale, self.weight = scale, weight
        self.batch, self.keys, self.features = len(query), len(key), query.shape[1]
        if weight is not None:
            self.removed = weight == 0
            self.removed_key = torch.cat([self.removed, self.removed.new_zeros(self.keys - self.batch)])
            self.q = self.q.masked_fill(self.removed[:, None], 0)
            self.k = self.k.masked_fill(self.removed_key[:, None], 0)
        least, entries = (LEAST_ROWS, ENTRIES) if query.is_cuda else (LEAST_ROWS_CPU, ENTRIES_CPU)
        most = max(least, min(TIMES_FEATURES * self.features, entries // max(self.keys, 1)))
        self.step = min(cdiv(most, ROWS) * ROWS, self.batch)
        self.wanted, self.columns = wanted, columns
        self.dq = query.new_empty(query.shape) if wanted[0] else None
        self.dk = torch.zeros_like(self.k, dtype=self.wide) if wanted[1] else None
        self.dscale = torch.zeros_like(scale)
        self.scratch: dict[str, Tensor] = {}

    def chunks(self) -> Iterator[slice]:
        """Cut the rows into parts."""
        for start in range(0, self.batch, max(self.step, 1)):
            yield slice(start, min(start + self.step, self.batch))

    def room(self, name: str, rows: slice) -> Tensor:
        """Scratch memory for a number for each pair of some rows, the same at each call."""
        if name not in self.scratch:  # rows start at multiples of 64 bytes or so, as matrix products want them
            self.scratch[name] = self.q.new_empty(self.step, cdiv(self.keys, 32) * 32)[:, : self.keys]
        return self.scratch[name][: rows.stop - rows.start]

    def logits(self, rows: slice) -> Tensor:
        """Logits of some rows, -inf at removed pairs, valid until the next call."""
        z = torch.mm(self.q[rows] * self.scale, self.k.mT, out=self.room("logits", rows))
        if self.weight is not None:
            z.masked_fill_(self.removed_key, -torch.inf).masked_fill_(self.removed[rows, None], -torch.inf)
        return z

    def launch(self, kernel: Any, rows: slice, *arguments: Any) -> None:
        """Run a kernel that begins with :func:`inner_products` on every tile of some rows."""
        narrow = self.q.dtype in NARROW
        q, scale = (self.q, self.scale) if narrow else (self.q * self.scale, torch.ones_like(self.scale))
        acc = kernel_dtype(self.wide)
        dot = acc if INTERPRETED else {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16}[q.dtype]
        launch(
            kernel, self.tiles_down(rows) * self.tiles_across, q, q, self.k, self.weight,
            rows.start, rows.stop, self.batch, self.keys, self.features, scale, *arguments,
            DOT=dot, ACC=acc, ROWS=ROWS, COLUMNS=self.columns, FEATURES=FEATURES, num_warps=8, num_stages=3,
        )  # fmt: skip

    def tiles_down(self, rows: slice) -> int:
        """Count the tiles of some rows from above to below."""
        return cdiv(rows.stop - rows.start, ROWS)

    @property
    def tiles_across(self) -> int:
        """Count the tiles from left to right."""
        return cdiv(self.keys, self.columns)

    def parts_of_sum(self, rows: slice) -> Tensor:
        """Room for one number from each tile of some rows."""
        return self.scale.new_empty(self.tiles_down(rows) * self.tiles_across)

    def add(self, rows: slice, slopes: Tensor) -> None:
        """Add the slopes of some rows to the gradients; to that of the scale only where no kernel has made it."""
        if self.weight is not None and not self.kernels:
            slopes.masked_fill_(self.removed[rows, None], 0).masked_fill_(self.removed_key, 0)
        q, k = self.q[rows], self.k
        wide: dict[str, Any] = {}
        if q.is_cuda and q.dtype != self.wide:
            wide = {"out_dtype": self.wide}
        else:  # a CPU must be given float32 to add up in it
            q, k, slopes = q.to(self.wide), k.to(self.wide), slopes.to(self.wide)
        if self.wanted[0] or (self.wanted[2] and not self.kernels):
            along = torch.mm(slopes, k, **wide)
            if self.wanted[2] and not self.kernels:
                self.dscale += (along * q).sum()
            if self.dq is not None:
                self.dq[rows] = along.mul_(self.factor)
        if self.dk is not None:
            torch.addmm(self.dk, slopes.mT, q, **wide, out=self.dk)

    def flow(self, divisor: Tensor | None, upstream: Tensor | None, times: float = 1.0) -> Tensor:
        """What arrives at each pair, a_i, 0 at removed ones, in units of ``self.unit``.

        In float16 a slope of 1e-5, usual in the mean over a large batch, would lose its digits, so there the unit is
        such that the largest slopes are about 1000.
        """
        flow = self.scale.new_full((self.batch,), times) if self.weight is None else times * self.weight
        flow = flow if divisor is None else flow / divisor
        flow = flow if upstream is None else flow * upstream
        flow = flow if self.weight is None else flow.masked_fill(self.removed, 0)
        self.unit = torch.ones_like(self.scale)
        if self.q.dtype == torch.float16 and self.batch:
            largest = flow.abs().amax()
            self.unit = torch.where(largest == 0, 1, largest) / 1024
        self.factor = self.scale * self.unit
        return flow / self.unit

    def gradients(self, query: Tensor, key: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of query, key and scale; empty where not wanted."""
        return (
            query.new_empty(0) if self.dq is None else self.dq,
            key.new_empty(0) if self.dk is None else self.dk.mul_(self.factor).to(key.dtype),
            self.dscale * self.unit if self.wanted[2] else self.scale.new_empty(0),
        )

    def weighted(self, loss: Tensor) -> Tensor:
        """Multiply the losses by the weights, 0 at removed pairs."""
        return loss if self.weight is None else (loss * self.weight).masked_fill(self.removed, 0)


def softmax_operator(name: str, *, both: bool) -> Any:
    """Make the operator of a loss that finds the own key among all, and ``both`` ways: the own query too."""

    @torch.library.custom_op(f"lossbook::{name}", mutates_args=())
    def op(query: Tensor, key: Tensor, scale: Tensor, weight: Tensor | None, divisor: Tensor | None,
           upstream: Tensor | None, reduced: bool,
           wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
        """Features (batch, features) and (keys, features) of one dtype, weight (batch,)."""
        return _softmax_loss(query, key, scale, weight, divisor, upstream, reduced, wanted, both)

    @op.register_fake
    def _(query: Tensor, key: Tensor, scale: Tensor, weight: Tensor | None, divisor: Tensor | None,
          upstream: Tensor | None, reduced: bool,
          wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
        loss, query_gradient, key_gradient, scale_gradient = empty_results(reduced, wanted, query, key, scale)
        return loss, query_gradient, key_gradient, scale_gradient

    return differentiate(op, gradients=("query", "key", "scale"))


def _softmax_loss(query: Tensor, key: Tensor, scale: Tensor, weight: Tensor | None, divisor: Tensor | None,
                 upstream: Tensor | None, reduced: bool, wanted: Sequence[bool],
                 both: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Find the own key among all, and ``both`` ways: the own query too. Returns the loss and its gradients."""
    with no_autocast(query):
        pairs = Pairs(query, key, scale, weight, wanted, COLUMNS)
        flow = pairs.flow(divisor, upstream, 0.5 if both else 1.0)
        sums = LogSums(
            own=scale.new_zeros(pairs.batch),
            row=list(scale.new_empty(2, pairs.batch)),
            column=[scale.new_full((pairs.keys,), -torch.inf), scale.new_zeros(pairs.keys)] if both else [],
        )
        for rows in pairs.chunks():
            z = _add_log_sums(pairs, rows, sums)
            if any(wanted) and not both:
                _add_slopes(pairs, rows, sums, z, flow)
        if any(wanted) and both:
            for rows in pairs.chunks():
                _add_slopes(pairs, rows, sums, None if pairs.kernels else pairs.logits(rows), flow)
        loss = (sums.row[0] - sums.own) + sums.row[1].log()
        if both:
            loss = 0.5 * (loss + ((sums.column[0] - sums.own) + sums.column[1].log()))
        return reduce_rows(pairs.weighted(loss), divisor, reduced), *pairs.gradients(query, key)


class LogSums(NamedTuple):
    """What the slopes are computed from."""

    own: Tensor  # z_ii, 0 before its row had its turn
    row: list[Tensor]  # R as the largest logit, and the sum of exponentials relative to it
    column: list[Tensor]  # C likewise, of the rows so far; empty for InfoNCE


def _add_log_sums(pairs: Pairs, rows: slice, sums: LogSums) -> Tensor | None:
    """Complete the sums of some rows, and add these rows to those of the columns. Returns the logits, if in memory."""
    z, new = None, sums.own.new_empty
    if pairs.kernels:
        row_parts = new(2, pairs.tiles_across, rows.stop - rows.start)
        column_parts = new(2, pairs.tiles_down(rows), pairs.keys) if sums.column else (None, None)
        pairs.launch(_log_sums_kernel, rows, sums.own, *row_parts, *column_parts)
    else:
        z = pairs.logits(rows)
        sums.own[rows] = z[:, rows].diagonal()
        row_parts = _parts(pairs, rows, z, 1)
        column_parts = _parts(pairs, rows, z, 0) if sums.column else (None, None)
    sums.row[0][rows], sums.row[1][rows] = _merge(*row_parts)
    if sums.column:
        so_far = (torch.cat([c[None], part]) for c, part in zip(sums.column, column_parts, strict=True))
        sums.column[:] = _merge(*so_far)
    return z


def _parts(pairs: Pairs, rows: slice, z: Tensor, dim: int) -> Tensor:
    """Do as ``_store_parts``, with one part."""
    largest = z.amax(dim, keepdim=True)
    finite = largest.masked_fill(largest == -torch.inf, 0)
    total = torch.sub(z, finite, out=pairs.room("slopes", rows)).exp_().sum(dim)
    return torch.stack([largest.squeeze(dim), total])[:, None]


def _merge(largest: Tensor, total: Tensor) -> tuple[Tensor, Tensor]:
    """Put parts together, shape (parts, n)."""
    top = largest.amax(0)
    return top, (total * torch.exp(largest - top.masked_fill(top == -torch.inf, 0))).sum(0)


def _add_slopes(pairs: Pairs, rows: slice, sums: LogSums, z: Tensor | None, flow: Tensor) -> None:
    """Add the slopes of some rows to the gradients."""
    largest, log_total = sums.row[0], sums.row[1].log()
    column: list[Any] = [sums.column[0], sums.column[1].log()] if sums.column else []
    if z is None:
        slopes = pairs.room("slopes", rows) if any(pairs.wanted[:2]) else None
        along = centre = None
        if pairs.wanted[2]:
            along = pairs.parts_of_sum(rows)
            centre = (sums.own if pairs.weight is None else sums.own.masked_fill(pairs.removed, 0)).mean()
        pairs.launch(_slopes_kernel, rows, largest, log_total, *(column or [None, None]), flow, slopes,
                     0 if slopes is None else slopes.stride(0), along, centre)  # fmt: skip
        if along is not None:
            pairs.dscale += along.sum() / pairs.scale
    else:
        slopes = torch.sub(z, largest[rows, None], out=pairs.room("slopes", rows)).sub_(log_total[rows, None]).exp_()
        slopes[:, rows].diagonal().sub_(1)
        slopes.mul_(flow[rows, None])
        if column:
            z.sub_(column[0]).sub_(column[1]).exp_()
            z[:, rows].diagonal().sub_(1)
            slopes.addcmul_(z, flow)
    if slopes is not None:
        pairs.add(rows, slopes)


def arguments(one: Tensor, other: Tensor, sample_weight: Tensor | None, normalizer: Tensor | float | None,
              reduction: str) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:  # fmt: skip
    """Give both batches of features one dtype, and the weights and the divisor that of the sums."""
    wide = torch.promote_types(one.dtype, other.dtype)
    one, other = one.to(wide), other.to(wide)
    entry = entry_weight(sample_weight, one.shape[:1])
    weight = None if entry is None else entry.to(accumulator(wide))
    divisor = None
    if reduction == "mean" and normalizer is not None:
        divisor = number(normalizer, one)
    elif reduction == "mean":
        divisor = number(one.shape[0], one) if weight is None else weight.sum()
    return one, other, weight, divisor


def empty_results(reduced: bool, wanted: Sequence[bool], *arguments: Tensor) -> list[Tensor]:
    """Make the loss and the gradients without their values, for torch.compile."""
    query = arguments[0]
    loss = query.new_empty(() if reduced else query.shape[:1], dtype=accumulator(query.dtype))
    return [loss, *(a.new_empty(a.shape if w else 0) for a, w in zip(arguments, wanted, strict=True))]
