import torch.nn.functional as F

from work._embeddings import alone, triples

WORK = alone(triples, F.triplet_margin_with_distance_loss, gradients=(0, 1, 2))
