"""Log-sum-exp of a row, block by block.

Nudge: What do you have to do to the sum so far when a larger logit comes along?

Sketch: Keep the largest logit and the sum of exponentials relative to it; when the largest grows, scale the sum.

Why: A row may be longer than a block, and its largest logit may stand in the last one. After a block of nothing but
-inf the largest is -inf too, and -inf - -inf is NaN: a finite stand-in goes into the exponent.
"""

import torch

from lossbook.exercises._draw import real
from lossbook.exercises._exact import largest
from lossbook.fused._triton import launch, tl, triton

TAKES = {"x": real("N", "C")}
DTYPES = (torch.float32,)
SCALES = (0.1, 1.0, 30.0, 1e3)
AT = {"a block of -inf first": {"x": [[-torch.inf] * 16 + [1.0, 2.0]]}}
BLOCK = 16
SECONDS = 30.0  # in the interpreter


def size(x):
    return 1 + largest(x)


def run(answer, x):
    out = torch.full((len(x),), torch.nan)
    launch(answer, len(x), x, x.contiguous(), out, x.shape[1], BLOCK=BLOCK)
    return out


def exact(x):
    return x.logsumexp(1)


@triton.jit
def log_sum_exp(x, out, classes, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    most, total = float("-inf"), 0.0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        logits = tl.load(x + row * classes + c, c < classes, float("-inf"))
        before = most
        most = tl.maximum(most, tl.max(logits))
        finite = tl.where(most == float("-inf"), 0.0, most)
        total = total * tl.exp(before - finite) + tl.sum(tl.exp(logits - finite))
    tl.store(out + row, most + tl.log(total))


@triton.jit
def stub(x, out, classes, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        logits = tl.load(x + row * classes + c, c < classes, float("-inf"))
        ...


@triton.jit
def right_two_passes(x, out, classes, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    most, total = float("-inf"), 0.0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        most = tl.maximum(most, tl.max(tl.load(x + row * classes + c, c < classes, float("-inf"))))
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        total += tl.sum(tl.exp(tl.load(x + row * classes + c, c < classes, float("-inf")) - most))
    tl.store(out + row, most + tl.log(total))


@triton.jit
def wrong_first_block_only(x, out, classes, BLOCK: tl.constexpr):
    """Refused by: a block of -inf first."""
    row = tl.program_id(0)
    c = tl.arange(0, BLOCK)
    logits = tl.load(x + row * classes + c, c < classes, float("-inf"))
    tl.store(out + row, tl.max(logits) + tl.log(tl.sum(tl.exp(logits - tl.max(logits)))))


@triton.jit
def wrong_no_maximum(x, out, classes, BLOCK: tl.constexpr):
    """Refused by: scales."""
    row = tl.program_id(0)
    total = 0.0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        total += tl.sum(tl.exp(tl.load(x + row * classes + c, c < classes, float("-inf"))))
    tl.store(out + row, tl.log(total))


@triton.jit
def wrong_sum_not_scaled(x, out, classes, BLOCK: tl.constexpr):
    """Refused by: a block of -inf first."""
    row = tl.program_id(0)
    most, total = float("-inf"), 0.0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        logits = tl.load(x + row * classes + c, c < classes, float("-inf"))
        most = tl.maximum(most, tl.max(logits))
        total += tl.sum(tl.exp(logits - most))
    tl.store(out + row, most + tl.log(total))


@triton.jit
def wrong_infinity_minus_itself(x, out, classes, BLOCK: tl.constexpr):
    """Refused by: a block of -inf first."""
    row = tl.program_id(0)
    most, total = float("-inf"), 0.0
    for start in range(0, classes, BLOCK):
        c = start + tl.arange(0, BLOCK)
        logits = tl.load(x + row * classes + c, c < classes, float("-inf"))
        before = most
        most = tl.maximum(most, tl.max(logits))
        total = total * tl.exp(before - most) + tl.sum(tl.exp(logits - most))
    tl.store(out + row, most + tl.log(total))
