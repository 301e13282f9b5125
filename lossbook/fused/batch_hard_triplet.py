"""Batch-hard triplet loss without the batch x batch matrix of distances."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..ranking import batch_hard_triplet as readable
from ..ranking._labelled import labelled
from ._blocks import blocks, in_parallel
from ._op import as_result_dtype, differentiate, fused, gradients_now, number, reduce_rows
from ._triton import accumulator, cdiv, kernel_dtype, launch, power_of_2, run_kernels, tl, triton

LARGEST_TILE = 64  # anchors, and candidates, in a tile of products
FEATURES = 64  # features of a tile at once
EXACT_ANCHORS, EXACT_CANDIDATES = 4, 32  # the same where distances are made of differences
PAIRS = 1 << 19  # of a block of anchors with all candidates, on the CPU

# Which candidate j is the farthest from anchor i, of those with its label, and the nearest, of all others?
#
#   |x_i - x_j|^2 = |x_i|^2 + |x_j|^2 - 2 x_i x_j
#
# The right side is a matrix product, the fastest operation there is, but it cancels where vectors are near each other
# and far from 0. So it only proposes, from vectors shifted to their common mean, and one of these two decides:
#   - Its error is at most W = (features + 16) 4 eps (|x_i|^2 + max_j |x_j|^2), with room for products of three TF32
#     parts. Where the best candidate leads all others by more than 2 W, no rounding can have changed the order.
#   - Any other anchor is unsettled (near-ties, equal vectors, a batch that collapsed, NaN, float64). All its distances
#     are made again, of differences, which do not cancel. Of equal ones the first counts.
# So the pairs are those of the exact distances, but for distances that differ by less than their own rounding.
#
# Each pair (i, j), chosen with sign s = +1 (farthest) or -1 (nearest), then adds s |x_i - x_j| to a loss, and
# s (x_i - x_j) / |x_i - x_j| to the gradient of x_i, its opposite to that of x_j. An embedding may be chosen by many
# anchors. The pairs are sorted by embedding, and each embedding adds up its own: no atomic operation, a fixed order.


@triton.jit
def _first_of_best(value, candidate, j):
    """The largest value of the candidates of each row, where it is first, and the largest of the rest."""
    value = tl.where(candidate, value, float("-inf"))
    best = tl.max(value, 1)
    where = tl.min(tl.where(candidate & (value == best[:, None]), j[None, :], 1 << 62), 1)
    return best, where, tl.max(tl.where(j[None, :] == where[:, None], float("-inf"), value), 1)


@triton.jit
def _product_kernel(x, square, largest, label, kept, farthest, nearest, unsettled, error, size, features,
                    ROWS: tl.constexpr, COLUMNS: tl.constexpr, FEATURES: tl.constexpr, ACC: tl.constexpr):  # fmt: skip
    """One program finds the farthest positive and the nearest negative of ROWS anchors, or leaves them unsettled."""
    i = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    own = tl.load(label + i, i < size, 0)
    far = tl.full([ROWS], float("-inf"), ACC)
    near = tl.full([ROWS], float("-inf"), ACC)  # of -distance
    far_next = tl.full([ROWS], float("-inf"), ACC)
    near_next = tl.full([ROWS], float("-inf"), ACC)
    far_at = tl.full([ROWS], -1, tl.int64)
    near_at = tl.full([ROWS], -1, tl.int64)
    for start in range(0, size, COLUMNS):
        j = start + tl.arange(0, COLUMNS).to(tl.int64)
        product = tl.zeros([ROWS, COLUMNS], ACC)
        for first in range(0, features, FEATURES):
            f = first + tl.arange(0, FEATURES)
            one = tl.load(x + i[:, None] * features + f[None, :], (i < size)[:, None] & (f < features)[None, :], 0)
            other = tl.load(x + j[None, :] * features + f[:, None], (j < size)[None, :] & (f < features)[:, None], 0)
            product = tl.dot(one, other, product, input_precision="tf32x3")
        distance = tl.load(square + j, j < size, 0)[None, :] - 2 * product  # squared, less |x_i|^2
        candidate = j < size
        if kept is not None:
            candidate &= tl.load(kept + j, j < size, 0) != 0
        same = own[:, None] == tl.load(label + j, j < size, 0)[None, :]
        positive = candidate[None, :] & same & (i[:, None] != j[None, :])
        negative = candidate[None, :] & (same == 0)

        best, where, second = _first_of_best(distance, positive, j)
        far_next = tl.maximum(tl.maximum(far_next, second), tl.minimum(far, best))
        better = (tl.max(positive.to(tl.int32), 1) != 0) & ((best > far) | (far_at < 0))
        far, far_at = tl.where(better, best, far), tl.where(better, where, far_at)
        best, where, second = _first_of_best(-distance, negative, j)
        near_next = tl.maximum(tl.maximum(near_next, second), tl.minimum(near, best))
        better = (tl.max(negative.to(tl.int32), 1) != 0) & ((best > near) | (near_at < 0))
        near, near_at = tl.where(better, best, near), tl.where(better, where, near_at)
    window = 2 * tl.load(error) * (tl.load(square + i, i < size, 0) + tl.load(largest))
    settled = ((far_at < 0) | (far - far_next > window)) & ((near_at < 0) | (near - near_next > window))
    tl.store(farthest + i, far_at, i < size)
    tl.store(nearest + i, near_at, i < size)
    tl.store(unsettled + i, settled == 0, i < size)


@triton.jit
def _difference_kernel(x, label, kept, order, unsettled, farthest, nearest, size, features, x_row, x_feature,
                       ROWS: tl.constexpr, COLUMNS: tl.constexpr, FEATURES: tl.constexpr,
                       ACC: tl.constexpr):  # fmt: skip
    """Settle what is left; ``order`` puts the unsettled first, so that the other programs end at once."""
    place = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    i = tl.load(order + place, place < size, 0)
    open_ = (place < size) & (tl.load(unsettled + i) != 0)
    if tl.max(open_.to(tl.int32), 0) != 0:
        own = tl.load(label + i)
        far = tl.full([ROWS], float("-inf"), ACC)
        near = tl.full([ROWS], float("-inf"), ACC)
        far_at = tl.full([ROWS], -1, tl.int64)
        near_at = tl.full([ROWS], -1, tl.int64)
        for start in range(0, size, COLUMNS):
            j = start + tl.arange(0, COLUMNS).to(tl.int64)
            distance = tl.zeros([ROWS, COLUMNS], ACC)  # squared
            for first in range(0, features, FEATURES):
                f = first + tl.arange(0, FEATURES).to(tl.int64)
                one = tl.load(x + i[:, None] * x_row + f[None, :] * x_feature,
                              open_[:, None] & (f < features)[None, :], 0).to(ACC)  # fmt: skip
                other = tl.load(x + j[:, None] * x_row + f[None, :] * x_feature,
                                (j < size)[:, None] & (f < features)[None, :], 0).to(ACC)  # fmt: skip
                difference = one[:, None, :] - other[None, :, :]
                distance += tl.sum(difference * difference, 2)
            candidate = j < size
            if kept is not None:
                candidate &= tl.load(kept + j, j < size, 0) != 0
            same = own[:, None] == tl.load(label + j, j < size, 0)[None, :]
            positive = candidate[None, :] & same & (i[:, None] != j[None, :])
            negative = candidate[None, :] & (same == 0)
            far_of = tl.where(distance == distance, distance, float("inf"))  # NaN is chosen, so that it is seen
            near_of = tl.where(distance == distance, -distance, float("inf"))
            best, where, _ = _first_of_best(far_of, positive, j)
            better = (tl.max(positive.to(tl.int32), 1) != 0) & ((best > far) | (far_at < 0))
            far, far_at = tl.where(better, best, far), tl.where(better, where, far_at)
            best, where, _ = _first_of_best(near_of, negative, j)
            better = (tl.max(negative.to(tl.int32), 1) != 0) & ((best > near) | (near_at < 0))
            near, near_at = tl.where(better, best, near), tl.where(better, where, near_at)
        tl.store(farthest + i, far_at, open_)
        tl.store(nearest + i, near_at, open_)


@triton.jit
def _gradient_kernel(x, starts, other, flow, gradient, features, x_row, x_feature, gradient_row, gradient_feature,
                     BLOCK: tl.constexpr, FEATURES: tl.constexpr, ACC: tl.constexpr):  # fmt: skip
    """One program adds up FEATURES features of the gradient of one embedding."""
    i = tl.program_id(0).to(tl.int64)
    f = tl.program_id(1).to(tl.int64) * FEATURES + tl.arange(0, FEATURES)
    own = tl.load(x + i * x_row + f * x_feature, f < features, 0).to(ACC)
    total = tl.zeros([FEATURES], ACC)
    for first in range(tl.load(starts + i), tl.load(starts + i + 1), BLOCK):
        pair = first + tl.arange(0, BLOCK)
        inside = pair < tl.load(starts + i + 1)
        weight = tl.load(flow + pair, inside, 0)
        inside &= weight != 0
        j = tl.load(other + pair, inside, 0)
        there = tl.load(x + j[:, None] * x_row + f[None, :] * x_feature, inside[:, None] & (f < features)[None, :], 0)
        total += tl.sum(tl.where(inside[:, None], weight[:, None] * (own[None, :] - there.to(ACC)), 0), 0)
    tl.store(gradient + i * gradient_row + f * gradient_feature, total.to(gradient.dtype.element_ty), f < features)


def _error(x: Tensor) -> float:
    return (x.shape[1] + 16) * 4 * torch.finfo(x.dtype).eps


def _centred(x: Tensor, kept: Tensor | None) -> Tensor:
    """Shift vectors by their mean, in the dtype of the arithmetic; what is dropped becomes 0."""
    x = x.to(accumulator(x.dtype))
    if kept is None:
        return (x - x.mean(0)).contiguous()
    x = x.masked_fill(~kept[:, None], 0)
    return (x - x.sum(0) / kept.sum()).masked_fill_(~kept[:, None], 0).contiguous()


def _launch_mining(x: Tensor, label: Tensor, kept: Tensor | None, farthest: Tensor, nearest: Tensor) -> None:
    size, features = x.shape
    if x.dtype == torch.float64:  # no fast products of it
        unsettled = torch.ones_like(label, dtype=torch.bool)
        order = torch.arange(size, device=x.device)
    else:
        centred = _centred(x, kept)
        square = centred.square().sum(1)
        unsettled = torch.empty_like(label, dtype=torch.bool)
        tile = max(16, min(power_of_2(size), LARGEST_TILE))
        launch(
            _product_kernel, cdiv(size, tile), x, centred, square, square.amax(), label, kept, farthest, nearest,
            unsettled, number(_error(centred), x), size, features, ROWS=tile, COLUMNS=tile,
            FEATURES=max(16, min(power_of_2(features), FEATURES)), ACC=tl.float32,
        )  # fmt: skip
        order = unsettled.argsort(descending=True, stable=True)
    launch(
        _difference_kernel, cdiv(size, EXACT_ANCHORS), x, x, label, kept, order, unsettled, farthest, nearest, size,
        features, *x.stride(), ROWS=EXACT_ANCHORS, COLUMNS=EXACT_CANDIDATES, FEATURES=min(power_of_2(features), 32),
        ACC=kernel_dtype(x.dtype),
    )  # fmt: skip


def _mine_by_products(x: Tensor, label: Tensor, farthest: Tensor, nearest: Tensor) -> Tensor:
    """Do the same in tensor operations on the CPU; return which anchors are unsettled.

    With the samples in the order of their labels, the positives of a block of anchors are neighbours.
    """
    label, order = label.sort(stable=True)
    x = _centred(x[order], None)
    square = x.square().sum(1)
    window = 2 * _error(x) * (square + square.amax())
    unsettled = ~(window < torch.inf)

    def settle(distance: Tensor, rows: slice, first: int, chosen: Tensor) -> None:
        """Choose the column with the smallest distance, if no other can be it; an infinite one is no candidate."""
        best = distance.amin(1)
        near = distance <= (best + window[rows]).masked_fill_(best == torch.inf, -torch.inf)[:, None]
        doubt = near.sum(1) > 1
        unsettled[rows] |= doubt
        row, column = near.masked_fill_(doubt[:, None], False).nonzero().unbind(1)
        chosen[order[rows][row]] = order[first:][column]

    def mine(rows: slice) -> None:
        distance = torch.empty(rows.stop - rows.start, len(label), dtype=x.dtype)
        torch.addmm(square, x[rows], x.T, alpha=-2, out=distance)  # squared, less |x_i|^2; out: not for autocast
        first = int(torch.searchsorted(label, label[rows.start]))
        last = int(torch.searchsorted(label, label[rows.stop - 1], right=True))
        own = distance[:, first:last]
        other = label[rows, None] != label[first:last]
        other.diagonal(rows.start - first).fill_(True)
        settle(torch.where(other, torch.inf, -own), rows, first, farthest)
        other.diagonal(rows.start - first).fill_(False)
        own.masked_fill_(~other, torch.inf)
        settle(distance, rows, 0, nearest)

    in_parallel(mine, list(blocks(len(label), min(len(label), PAIRS // 16), PAIRS)), x)  # fewer anchors: a slow product
    return order[unsettled]


def _mine_on_cpu(x: Tensor, label: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Find the pairs of the samples at these places, among themselves."""
    x, label = x[place], label[place]
    farthest, nearest = torch.full_like(label, -1), torch.full_like(label, -1)
    if len(label):
        unsettled = _mine_by_products(x, label, farthest, nearest)
        _mine_by_differences(x, label, None, unsettled, farthest, nearest)
    place = torch.cat([place, place.new_full((1,), -1)])  # -1 stays -1
    return place[farthest], place[nearest]


def _mine_by_differences(
    x: Tensor, label: Tensor, kept: Tensor | None, anchors: Tensor, farthest: Tensor, nearest: Tensor
) -> None:
    """Settle these anchors by distances made of differences."""
    x = x.to(accumulator(x.dtype))
    candidate = torch.ones_like(label, dtype=torch.bool) if kept is None else kept
    for rows in blocks(len(anchors), len(label), PAIRS):
        i = anchors[rows]
        distance = torch.cdist(x[i], x, compute_mode="donot_use_mm_for_euclid_dist")
        same = label[i, None] == label
        positive = (same & candidate).scatter_(1, i[:, None], False)
        negative = ~same & candidate
        at = distance.masked_fill(~positive, -torch.inf).argmax(1)
        farthest[i] = at.masked_fill(~positive.any(1), -1)
        at = distance.masked_fill_(~negative, torch.inf).argmin(1)
        nearest[i] = at.masked_fill(~negative.any(1), -1)


def _exact_products() -> bool:
    """Say whether products of float32 matrices on the CPU are made of float32."""
    return getattr(torch.backends.mkldnn, "matmul").fp32_precision in ("none", "ieee")  # noqa: B009, unknown to mypy


@torch.library.custom_op("lossbook::batch_hard_pairs", mutates_args=())
def _batch_hard_pairs(embedding: Tensor, label: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
    """The farthest positive and the nearest negative of each anchor, -1 where there is none."""
    farthest, nearest = torch.full_like(label, -1), torch.full_like(label, -1)
    if len(label) == 0:
        return farthest, nearest
    label = label.contiguous()
    if run_kernels(embedding):
        _launch_mining(embedding, label, kept, farthest, nearest)
    elif embedding.device.type != "cpu" or not _exact_products():
        _mine_by_differences(embedding, label, kept, torch.arange(len(label), device=label.device), farthest, nearest)
    else:
        place = torch.arange(len(label)) if kept is None else kept.nonzero().squeeze(1)
        farthest[place], nearest[place] = _mine_on_cpu(embedding, label, place)
    return farthest, nearest


@_batch_hard_pairs.register_fake
def _fake_pairs(embedding: Tensor, label: Tensor, kept: Tensor | None) -> tuple[Tensor, Tensor]:
    return torch.empty_like(label), torch.empty_like(label)


def _add_up(
    x: Tensor, farthest: Tensor, nearest: Tensor, far_flow: Tensor, near_flow: Tensor, gradient: Tensor
) -> None:
    """gradient_i = the sum of flow (x_i - x_other) over the pairs of i: those it chose, and those it was chosen in."""
    size, features = x.shape
    flow = torch.cat([far_flow, -near_flow])
    chosen = torch.cat([farthest, nearest])
    anchor = torch.arange(size, device=x.device).repeat(2)
    if not run_kernels(x):
        total = torch.zeros(x.shape, dtype=flow.dtype, device=x.device)
        for rows in blocks(2 * size, features):
            step = (x[anchor[rows]].to(flow.dtype) - x[chosen[rows]]).mul_(flow[rows, None])
            step.masked_fill_(flow[rows, None] == 0, 0)
            total.index_add_(0, anchor[rows], step)
            total.index_add_(0, chosen[rows], step, alpha=-1)
        gradient.copy_(total)
        return
    end, order = torch.cat([anchor, chosen]).sort(stable=True)
    starts = torch.searchsorted(end, torch.arange(size + 1, device=x.device))
    block = min(power_of_2(features), 128)
    launch(
        _gradient_kernel, (size, cdiv(features, block)), x, x, starts, torch.cat([chosen, anchor])[order],
        flow.repeat(2)[order], gradient, features, *x.stride(), *gradient.stride(), BLOCK=16, FEATURES=block,
        ACC=kernel_dtype(x.dtype),
    )  # fmt: skip


@torch.library.custom_op("lossbook::batch_hard_triplet_loss", mutates_args=())
def _batch_hard_triplet_loss(embedding: Tensor, farthest: Tensor, nearest: Tensor, margin: float,
                             entry: Tensor | None, divisor: Tensor | None, upstream: Tensor | None, reduced: bool,
                             wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The loss of pairs that are found."""
    _, gradient = _fake(embedding, farthest, nearest, margin, entry, divisor, upstream, reduced, wanted)
    complete = (farthest >= 0) & (nearest >= 0)
    if entry is not None:
        complete &= entry != 0
    here = torch.arange(len(complete), device=complete.device)
    farthest, nearest = (torch.where(complete, at, here) for at in (farthest, nearest))
    far, near = (_distances(embedding, at) for at in (farthest, nearest))
    loss = margin + far - near
    active = complete & (loss >= 0)
    loss = loss.clamp_min(0).masked_fill(~complete, 0)
    if wanted[0]:
        scale = torch.ones_like(loss) if upstream is None else upstream.to(loss.dtype).expand_as(loss)
        scale = scale if divisor is None else scale / divisor
        scale = scale if entry is None else scale * entry
        far_flow, near_flow = ((scale / d).masked_fill(~active | (d == 0), 0) for d in (far, near))
        _add_up(embedding, farthest, nearest, far_flow, near_flow, gradient)
    if entry is not None:
        loss = (loss * entry).masked_fill(entry == 0, 0)
    return reduce_rows(loss, divisor, reduced), gradient


def _distances(x: Tensor, other: Tensor) -> Tensor:
    """Exact distances of each row to another one."""
    distance = torch.empty(len(x), dtype=accumulator(x.dtype), device=x.device)

    def measure(rows: slice) -> None:
        distance[rows] = torch.linalg.vector_norm(x[rows].to(distance.dtype) - x[other[rows]], dim=1)

    in_parallel(measure, list(blocks(len(x), x.shape[1], 1 << 24 if x.is_cuda else 1 << 16)), x)
    return distance


@_batch_hard_triplet_loss.register_fake
def _fake(embedding: Tensor, farthest: Tensor, nearest: Tensor, margin: float, entry: Tensor | None,
          divisor: Tensor | None, upstream: Tensor | None, reduced: bool,
          wanted: Sequence[bool]) -> tuple[Tensor, Tensor]:  # fmt: skip
    return (
        embedding.new_empty(() if reduced else embedding.shape[0], dtype=accumulator(embedding.dtype)),
        torch.empty_like(embedding) if wanted[0] else embedding.new_empty(0),
    )


_differentiable = differentiate(_batch_hard_triplet_loss, gradients=("embedding",))


@fused(readable.batch_hard_triplet_loss, gradients=("embedding",))
def batch_hard_triplet_loss(embedding, label, *, margin, sample_weight, normalizer, reduction):
    """Fused: the distances of all pairs are never in memory, only those of a block or tile.

    They are found by products, and where these leave a doubt by differences, so the pairs are those of
    :func:`lossbook.functional.batch_hard_triplet_loss`, for vectors far from 0 and near each other too.
    """
    entry = labelled(embedding, label, sample_weight)
    if entry is not None:
        entry = entry.to(accumulator(embedding.dtype))
    farthest, nearest = _batch_hard_pairs(embedding.detach(), label, None if entry is None else entry != 0)
    divisor = None
    if reduction == "mean" and normalizer is not None:
        divisor = number(normalizer, embedding)
    elif reduction == "mean":
        complete = ((farthest >= 0) & (nearest >= 0)).to(accumulator(embedding.dtype))
        divisor = (complete if entry is None else complete * entry).sum()
    (loss,) = _differentiable(
        embedding,
        farthest,
        nearest,
        margin,
        entry,
        divisor,
        None,
        reduction != "none",
        gradients_now(reduction, embedding),
    )
    return as_result_dtype(loss, embedding)


class BatchHardTripletLoss(readable.BatchHardTripletLoss, of=batch_hard_triplet_loss):
    """``lossbook.BatchHardTripletLoss`` with the fused kernel."""
