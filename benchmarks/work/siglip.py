import torch
import torch.nn.functional as F
from torch import Tensor

from work._embeddings import contrastive


def siglip(image: Tensor, text: Tensor) -> Tensor:
    logits = 10 * image @ text.T - 10
    sign = 2 * torch.eye(len(image), dtype=image.dtype, device=image.device) - 1
    return -F.logsigmoid(sign * logits).sum() / len(image)


WORK = contrastive(siglip)
