"""Embeddings with the class of each."""

from torch import Tensor

from .._core import check, entry_weight


def labelled(embedding: Tensor, label: Tensor, sample_weight: Tensor | None) -> Tensor | None:
    """Refuse what is not a batch of embeddings and their classes, and give the weight of each."""
    if embedding.dim() != 2:
        raise ValueError(f"embedding must have shape (batch, features); got {tuple(embedding.shape)}")
    check.shape("label", label, embedding.shape[:1], "one for each row of embedding")
    return entry_weight(sample_weight, label.shape)
