"""InfoNCE loss, from tiles of the similarities."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .. import _check as check
from .. import functional
from ..contrastive._pairs import check_features, check_scalar
from ._op import differentiate, finish, foresee, fused, number
from ._similarity import arguments, empty_results, softmax_loss

# The derivation and the kernels are in _similarity.py: a row of logits z_ij = <q_i, k_j> / temperature, and
# loss_i = log sum_j exp z_ij - z_ii.


@torch.library.custom_op("lossbook::info_nce_loss", mutates_args=())
def _info_nce_loss(query: Tensor, key: Tensor, scale: Tensor, weight: Tensor | None, divisor: Tensor | None,
                   upstream: Tensor | None, reduced: bool,
                   wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    """Features (batch, features) and (keys, features) of one dtype, weight (batch,)."""
    return softmax_loss(query, key, scale, weight, divisor, upstream, reduced, wanted, both=False)


@_info_nce_loss.register_fake
def _fake(query: Tensor, key: Tensor, scale: Tensor, weight: Tensor | None, divisor: Tensor | None,
          upstream: Tensor | None, reduced: bool,
          wanted: Sequence[bool]) -> tuple[Tensor, Tensor, Tensor, Tensor]:  # fmt: skip
    loss, query_gradient, key_gradient, scale_gradient = empty_results(reduced, wanted, query, key, scale)
    return loss, query_gradient, key_gradient, scale_gradient


differentiate(_info_nce_loss, gradients=("query", "key", "scale"))


@fused(functional.info_nce_loss, gradients=("query", "key", "temperature"))
def info_nce_loss(
    query: Tensor,
    key: Tensor,
    *,
    temperature: Tensor | float = 0.1,
    sample_weight: Tensor | None = None,
    normalizer: Tensor | float | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Fused: never holds all similarities, so memory grows with the batch, not with its square.

    On a GPU, features of half precision are multiplied as they are and added up in float32.
    """
    check_scalar(temperature=temperature)
    check.reduction(reduction, normalizer)
    check_features(query=query, key=key, at_least=True)
    q, k, weight, divisor = arguments(query, key, sample_weight, normalizer, reduction)
    scale = 1 / number(temperature, q) if isinstance(temperature, Tensor) else number(1 / temperature, q)
    loss, *_ = _info_nce_loss(q, k, scale, weight, divisor, None, reduction != "none", foresee(reduction, q, k, scale))
    return finish(loss, query, key)
