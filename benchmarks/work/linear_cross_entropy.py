import torch
import torch.nn.functional as F
from torch import Tensor

from work import Args, Loss
from work._linear import hidden, linear
from work._peers import liger, named


def labelled(scale: float, rows: int, features: int, classes: int) -> Args:
    return *hidden(scale, rows, features, classes), torch.randint(classes, (rows,))


def composed(input: Tensor, linear_weight: Tensor, target: Tensor) -> Tensor:
    """What torch 2.13's function of that name does, too, unless it is told to go by chunks."""
    return F.cross_entropy(F.linear(input, linear_weight), target)


def chunked(args: Args) -> Loss:
    options = torch.nn.LinearCrossEntropyOptions()
    return lambda input, weight, target: F.linear_cross_entropy(input, weight, target, options=options)


WORK = linear(
    labelled,
    composed,
    cpu=(4096, 512, 32000),
    passes=[3],
    peers={
        "chunked": chunked,
        "liger": liger("fused_linear_cross_entropy"),
        "cce": named("cut_cross_entropy", "linear_cross_entropy"),
        "quack": named("quack.linear_cross_entropy", "chunked_linear_cross_entropy"),
    },
    fused={"cpu": {"time/chunked": 1.0, "memory/chunked": 1.0}, "cuda": {"x products": 1.15, "scratch": 1.2e9}},
)
