import torch
import torch.nn.functional as F
from torch import Tensor

from work import Args, Work


def fours(scale: float, batch: int, features: int) -> Args:
    """Four samples of each class."""
    return scale * torch.randn(batch, features), torch.randperm(batch) // 4


def batch_hard_triplet(embedding: Tensor, label: Tensor) -> Tensor:
    product = embedding @ embedding.T
    square = product.diagonal()
    distance = (square[:, None] - 2 * product + square[None, :]).clamp(min=1e-12).sqrt()
    same = label[:, None] == label[None, :]
    itself = torch.eye(len(label), dtype=torch.bool, device=label.device)
    positive = distance.masked_fill(~same | itself, -torch.inf).amax(1)
    negative = distance.masked_fill(same, torch.inf).amin(1)
    return F.relu(0.2 + positive - negative).mean()


WORK = Work(
    fours,
    batch_hard_triplet,
    small=(1024, 128),
    cpu=[(4096, 128)],
    cuda=[(8192, 512)],
    products=lambda b, d: [(b, d, b, 1)],
    fused={"cuda": {"time/eager": 1.0, "memory/eager": 1.0}},
)
