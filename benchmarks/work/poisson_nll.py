import torch
import torch.nn.functional as F

from work import Args
from work._elementwise import elementwise


def counts(scale: float, n: int) -> Args:
    return scale * torch.randn(n), torch.randint(5, (n,)).float()


WORK = elementwise(counts, F.poisson_nll_loss)
