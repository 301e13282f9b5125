import torch
from torch import Tensor

from work._elementwise import cells, elementwise


def quantile(input: Tensor, target: Tensor) -> Tensor:
    error = target - input
    return torch.maximum(0.9 * error, (0.9 - 1) * error).mean()


WORK = elementwise(cells, quantile, settings={"quantile": 0.9})
