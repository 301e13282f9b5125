import torch
import torch.nn.functional as F

from work import Args
from work._elementwise import cells, elementwise


def with_variance(scale: float, n: int) -> Args:
    return *cells(scale, n), torch.rand(n) + 0.1


WORK = elementwise(with_variance, F.gaussian_nll_loss, gradients=(0, 2))
