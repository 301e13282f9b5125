import torch.nn.functional as F

from work import Args
from work._elementwise import cells, signs
from work._embeddings import alone


def signed(scale: float, batch: int, features: int) -> Args:
    return *cells(scale, batch, features), signs(batch)


WORK = alone(signed, F.cosine_embedding_loss)
