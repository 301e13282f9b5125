import torch
import torch.nn.functional as F

from work import Args
from work._elementwise import elementwise


def probabilities(scale: float, n: int) -> Args:
    return torch.sigmoid(scale * torch.randn(n)), torch.rand(n)


WORK = elementwise(probabilities, F.binary_cross_entropy)
