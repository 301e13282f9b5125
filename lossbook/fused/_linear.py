"""Linear maps in front of a loss, in chunks of rows, so that the logits of all rows are never in memory at once.

Each chunk costs one product for its logits and one for each gradient. The gradient of the logits is written over them.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .._core.autocast import under_autocast
from .._core.formula import NARROW
from ._blocks import blocks
from ._op import gradient_dtype
from ._triton import accumulator, cdiv, power_of_2, sum_dtype

# On a GPU: adding a product to the gradient of the weight moves 8 bytes for each entry and computes 2 FLOP for each
# entry and row. At 800 TFLOP/s and 4.3 TB/s the one hides behind the other from 735 rows on.
LEAST_ROWS, MOST_ROWS = 1024, 2048
MOST_BYTES = 1 << 30
# On a CPU the sum hides from about 256 rows on. Fewer are taken where their logits would need more memory than the
# features, this share of the weight, and this many bytes.
ENOUGH_ROWS, SHARE, LEAST_BYTES = 256, 2, 1 << 20


class LinearMap:
    """A linear map that gives a loss its logits chunk by chunk and takes their gradient back.

    Args:
        input: features, shape (rows, in_features).
        weight: shape (logits, in_features).
        bias: shape (logits,), or None.
        dtype: the dtype to multiply in, which under autocast is not that of the tensors.
        wanted: which gradients to make: that of the input, of the weight, of the bias.
    """

    def __init__(
        self, input: Tensor, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, wanted: Sequence[bool]
    ) -> None:
        self.input, self.weight = input, weight.to(dtype)
        self.bias = None if bias is None else bias.to(dtype)
        self.wanted = wanted
        self.dtypes = [gradient_dtype(t.dtype) for t in (input, weight, weight if bias is None else bias)]
        # A GPU adds up products of half precision in float32; a CPU must be given float32 for that.
        self.wide_slope = any(wanted) and dtype in NARROW and not input.is_cuda
        self.row_bytes = weight.shape[0] * (dtype.itemsize + 4 * self.wide_slope)
        self.sum_bytes = 4 * weight.numel() * (wanted[1] and self.dtypes[1] in NARROW)

    def start(self, rows_each: int, narrow_sum: bool) -> None:
        """Make room for chunks of ``rows_each`` rows and for the gradients."""
        logits, in_features = self.weight.shape
        dtype, added_in = self.weight.dtype, self.dtypes[1] if narrow_sum else accumulator(self.dtypes[1])
        self.buffer = self.input.new_empty(rows_each, logits, dtype=dtype)
        self.slopes = self.input.new_empty(rows_each, logits, dtype=torch.float32) if self.wide_slope else self.buffer
        self.d_input = self.input.new_empty(self.input.shape if self.wanted[0] else 0, dtype=self.dtypes[0])
        self.d_weight = self.input.new_empty((logits, in_features) if self.wanted[1] else 0, dtype=added_in)
        # A sum over rows is short of digits where the rows cancel; in float64 it costs nothing.
        self.d_bias = self.input.new_zeros(logits if self.wanted[2] else 0, dtype=sum_dtype(self.input))
        if len(self.input) == 0:
            self.d_weight.zero_()

    def logits(self, rows: slice) -> Tensor:
        """Compute the logits of a chunk, into memory that the next chunk uses again."""
        chunk, x = self.buffer[: rows.stop - rows.start], self.input[rows].to(self.weight.dtype)
        if self.bias is None:
            return torch.mm(x, self.weight.T, out=chunk)
        return torch.addmm(self.bias, x, self.weight.T, out=chunk)

    def slope(self, logits: Tensor) -> Tensor | None:
        """Give the memory for the gradient of a chunk of logits: their own where they are exact enough."""
        if not any(self.wanted):
            return None
        return self.slopes[: len(logits)].view(logits.shape) if self.wide_slope else logits

    def add(self, rows: slice, slope: Tensor, dropped: Tensor | None) -> None:
        """Add to the gradients what a chunk contributes.

        Args:
            rows: the chunk.
            slope: gradient of its logits, shape (rows, ...).
            dropped: for each row of the chunk, whether its slope is 0, so that its features count for nothing.
        """
        slope = slope.flatten(1)
        if self.wanted[2]:
            self.d_bias.add_(slope.sum(0, dtype=accumulator(slope.dtype)))
        if self.wanted[1]:
            x = self.input[rows].to(slope.dtype)
            if dropped is not None and (dropped.is_cuda or dropped.any()):
                x = x.masked_fill(dropped[:, None], 0)  # 0 times NaN is NaN
            _add_product(self.d_weight, slope.T, x, keep=rows.start > 0)
        if self.wanted[0]:
            if self.wide_slope:
                slope = self.buffer[: len(slope)].copy_(slope)
            _add_product(self.d_input[rows], slope, self.weight, keep=False)

    def gradients(self) -> list[Tensor]:
        """Give the gradients of the input, of the weight and of the bias, empty where they are not wanted."""
        found = (self.d_input, self.d_weight, self.d_bias)
        return [g.to(dtype) for g, dtype in zip(found, self.dtypes, strict=True)]


def chunks(*maps: LinearMap) -> Iterator[slice]:
    """Walk through the rows of maps that feed the same loss."""
    rows, row_bytes = len(maps[0].input), max(1, sum(m.row_bytes for m in maps))
    if maps[0].input.is_cuda:
        each, narrow_sum = _for_gpu(rows, row_bytes, sum(m.sum_bytes for m in maps))
    else:
        features, weights = (sum(t.numel() for t in ts) for ts in ([m.input for m in maps], [m.weight for m in maps]))
        each, narrow_sum = _for_cpu(row_bytes, 4 * features, 4 * weights), False
    each = max(1, min(each, rows))
    for m in maps:
        m.start(each, narrow_sum)
    yield from blocks(rows, block=each)


def _for_gpu(rows: int, row_bytes: int, sum_bytes: int) -> tuple[int, bool]:
    """Give the rows of a chunk, and whether gradients of half precision may be added up in their own dtype.

    The sum over chunks needs float32. But where the memory for it would hold half of the logits as well, two chunks
    will do, and a sum of two needs none: it is rounded once more, which is as good.
    """
    each, half = min(MOST_ROWS, MOST_BYTES // row_bytes), max(cdiv(rows, 2), LEAST_ROWS)
    if half * row_bytes <= each * row_bytes + sum_bytes:
        return half, True
    return each, False


def _for_cpu(row_bytes: int, feature_bytes: int, weight_bytes: int) -> int:
    scratch = max(feature_bytes, weight_bytes // SHARE, LEAST_BYTES)
    return min(ENOUGH_ROWS, power_of_2(scratch // row_bytes + 1) // 2)


def product_dtype(input: Tensor, weight: Tensor) -> torch.dtype:
    """Give the dtype to multiply in: that of the tensors, or under autocast its own, as in a linear layer."""
    dtype = torch.promote_types(input.dtype, weight.dtype)
    if under_autocast(input) and dtype != torch.float64:
        return torch.get_autocast_dtype(input.device.type)
    return dtype


def empty_gradients(input: Tensor, weight: Tensor, bias: Tensor | None, wanted: Sequence[bool]) -> list[Tensor]:
    """Give gradients as :class:`LinearMap` returns them, unfilled."""
    return [
        input.new_empty(t.shape if w else 0, dtype=gradient_dtype(t.dtype))
        for t, w in zip((input, weight, weight if bias is None else bias), wanted, strict=True)
    ]


def split_scale(
    divisor: Tensor | None, upstream: Tensor | None, dtype: torch.dtype, *weights: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """Say what the gradient of the logits is divided by, and what is multiplied into the products made of it.

    In float16 a probability divided by a large number of rows would be lost. There the gradient of the logits is
    divided by the largest weight alone, so that it is at most about 1.
    """
    if divisor is None or dtype != torch.float16:
        return divisor, upstream
    largest = torch.ones_like(divisor)
    for weight in weights:
        if weight is not None and weight.numel():
            largest = largest * weight.amax()
    rest = torch.where(divisor == 0, 0, largest / divisor)  # where nothing counts, the gradient is 0, not 0 / 0
    return largest, rest if upstream is None else rest * upstream


def _add_product(total: Tensor, a: Tensor, b: Tensor, keep: bool) -> None:
    """Make ``total`` the product, plus what it was if that is to be kept."""
    if total.dtype == a.dtype:
        torch.addmm(total, a, b, beta=int(keep), out=total)
    elif total.is_cuda:
        torch.addmm(total, a, b, out_dtype=total.dtype, beta=int(keep), out=total)
    elif keep:
        total.add_(a @ b)
    else:
        total.copy_(a @ b)
