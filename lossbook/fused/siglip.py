"""SigLIP loss, from tiles of the similarities."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .._core.autocast import no_autocast
from ..contrastive import siglip as readable
from ..contrastive._pairs import check_features
from ._math import sigmoid, softplus
from ._op import as_result_dtype, differentiate, fused, gradients_now, number, reduce_rows
from ._similarity import COLUMNS, Pairs, arguments, empty_results, inner_products, store_slopes
from ._triton import tl, triton

# Logits z_ij = s <u_i, v_j> + b. With x_ij = -z_ij for the own pair, i = j, and x_ij = z_ij for every other, and with
# the weight of an image times its upstream gradient as a_i:
#
#   loss_i = sum_j log(1 + exp x_ij)
#   g_ij   = d loss / d z_ij = a_i sigmoid(x_ij), with a minus where i = j
#   d loss / d s = sum_ij g_ij <u_i, v_j>        d loss / d b = sum_ij g_ij
#
# A logit alone decides on its loss and its slope, so one pass over the tiles makes both. What becomes of the slopes is
# in _similarity.py.


@triton.jit
def _kernel(q, k, weight, start, stop, batch, keys, features, scale, bias, flow, loss, slopes, slopes_row, along,
            total, DOT: tl.constexpr, ACC: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
            FEATURES: tl.constexpr):  # fmt: skip
    """Parts of the losses, shape (tiles across, rows), and of s d loss / d s and d loss / d b, one for each tile."""
    i, j, row, column, product, there = inner_products(q, k, weight, start, stop, batch, keys, features,
                                                       DOT, ACC, ROWS, COLUMNS, FEATURES)  # fmt: skip
    z = tl.load(scale) * product + tl.load(bias)
    is_own = row[:, None] == column[None, :]
    x = tl.where(is_own, -z, z)
    tl.store(loss + j.to(tl.int64) * (stop - start) + row - start, tl.sum(tl.where(there, softplus(x), 0), 1),
             row < stop)  # fmt: skip
    if flow is not None:
        slope = sigmoid(x) * tl.load(flow + row, row < stop, 0)[:, None]
        slope = tl.where(there, tl.where(is_own, -slope, slope), 0)
        place = i * tl.cdiv(keys, COLUMNS) + j
        if along is not None:
            tl.store(along + place, tl.sum(slope * (z - tl.load(bias))))
        if total is not None:
            tl.store(total + place, tl.sum(slope))
        store_slopes(slope, slopes, slopes_row, row, column, start, stop, keys)


@torch.library.custom_op("lossbook::siglip_loss", mutates_args=())
def _siglip_loss(image: Tensor, text: Tensor, scale: Tensor, bias: Tensor, weight: Tensor | None,
                 divisor: Tensor | None, upstream: Tensor | None, reduced: bool,
                 wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Features (batch, features) of one dtype, weight (batch,)."""
    with no_autocast(image):
        pairs = Pairs(image, text, scale, weight, wanted, COLUMNS // 2)
        flow = pairs.flow(divisor, upstream) if any(wanted) else None
        loss, bias_gradient = scale.new_empty(pairs.batch), torch.zeros_like(bias)
        for rows in pairs.chunks():
            add = _add_tiles if pairs.kernels else _add_rows
            loss[rows], bias_part = add(pairs, rows, bias, flow)
            bias_gradient += bias_part
        loss = reduce_rows(pairs.weighted(loss), divisor, reduced)
        bias_gradient = bias_gradient * pairs.unit if wanted[3] else bias.new_empty(0)
        return loss, *pairs.gradients(image, text), bias_gradient


def _add_tiles(pairs: Pairs, rows: slice, bias: Tensor, flow: Tensor | None) -> tuple[Tensor, Tensor | float]:
    """Return the losses of some rows and d loss / d b, and add their slopes to the other gradients."""
    loss = bias.new_empty(pairs.tiles_across, rows.stop - rows.start)
    slopes = pairs.room("slopes", rows) if any(pairs.wanted[:2]) else None
    along, total = (pairs.parts_of_sum(rows) if wanted else None for wanted in pairs.wanted[2:])
    pairs.launch(_kernel, rows, bias, flow, loss, slopes, 0 if slopes is None else slopes.stride(0), along, total)
    if along is not None:
        pairs.dscale += along.sum() / pairs.scale
    if slopes is not None:
        pairs.add(rows, slopes)
    return loss.sum(0), 0.0 if total is None else total.sum()


def _add_rows(pairs: Pairs, rows: slice, bias: Tensor, flow: Tensor | None) -> tuple[Tensor, Tensor | float]:
    """Do the same in tensor operations."""
    x = pairs.logits(rows).add_(bias)
    x[:, rows].diagonal().neg_()
    loss = -F.logsigmoid(-x).sum(1)
    if flow is None:
        return loss, 0.0
    slopes = x.sigmoid_().mul_(flow[rows, None])
    slopes[:, rows].diagonal().neg_()
    pairs.add(rows, slopes)
    return loss, slopes.sum() if pairs.wanted[3] else 0.0


@_siglip_loss.register_fake
def _fake(image: Tensor, text: Tensor, scale: Tensor, bias: Tensor, weight: Tensor | None,
          divisor: Tensor | None, upstream: Tensor | None, reduced: bool,
          wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    loss, image_gradient, text_gradient, scale_gradient, bias_gradient = empty_results(
        reduced, wanted, image, text, scale, bias
    )
    return loss, image_gradient, text_gradient, scale_gradient, bias_gradient


_differentiable = differentiate(_siglip_loss, gradients=("image", "text", "scale", "bias"))


@fused(readable.siglip_loss, gradients=("image_features", "text_features", "logit_scale", "logit_bias"))
def siglip_loss(image_features, text_features, *, logit_scale, logit_bias, sample_weight, normalizer, reduction):
    """Fused: never holds all similarities, so memory grows with the batch, not with its square.

    A loss that is reduced and its gradients come from one pass over the similarities. On a GPU, features of half
    precision are multiplied as they are and added up in float32.
    """
    check_features(image_features=image_features, text_features=text_features)
    image, text, weight, divisor = arguments(image_features, text_features, sample_weight, normalizer, reduction)
    scale, bias = number(logit_scale, image), number(logit_bias, image)
    (loss,) = _differentiable(
        image, text, scale, bias, weight, divisor, None, reduction != "none",
        gradients_now(reduction, image, text, scale, bias),
    )  # fmt: skip
    return as_result_dtype(loss, image_features, text_features)


class SigLIPLoss(readable.SigLIPLoss, of=siglip_loss):
    """``lossbook.SigLIPLoss`` with the fused kernel."""
