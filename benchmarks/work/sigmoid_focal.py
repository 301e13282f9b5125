import torch
import torch.nn.functional as F
from torch import Tensor

from work._elementwise import elementwise, rare


def sigmoid_focal(input: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(input)
    cross_entropy = F.binary_cross_entropy_with_logits(input, target, reduction="none")
    p_target = p * target + (1 - p) * (1 - target)
    alpha = 0.25 * target + 0.75 * (1 - target)
    return (alpha * (1 - p_target) ** 2 * cross_entropy).mean()


TARGETS = {"cpu": {"time/eager": 0.5}, "cuda": {"of copy": 0.85, "time/eager": 1 / 1.5}}
WORK = elementwise(rare, sigmoid_focal, fused=TARGETS)
