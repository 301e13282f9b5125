import torch
from torch import Tensor

from work._overlap import area, overlap


def tversky(input: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(input)
    both, false_positive, missed = area(p * target), area(p * (1 - target)), area((1 - p) * target)
    return (1 - (both + 1) / (both + 0.3 * false_positive + 0.7 * missed + 1)).mean()


WORK = overlap(tversky)
