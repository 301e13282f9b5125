"""InfoNCE loss, from tiles of the similarities."""

from torch import Tensor

from ..contrastive import info_nce as readable
from ..contrastive._pairs import check_features
from ._op import as_result_dtype, fused, gradients_now, number
from ._similarity import arguments, softmax_operator

# The derivation and the kernels are in _similarity.py: a row of logits z_ij = <q_i, k_j> / temperature, and
# loss_i = log sum_j exp z_ij - z_ii.


_info_nce_loss = softmax_operator("info_nce_loss", both=False)


@fused(readable.info_nce_loss, gradients=("query", "key", "temperature"))
def info_nce_loss(query, key, *, temperature, sample_weight, normalizer, reduction):
    """Fused: never holds all similarities, so memory grows with the batch, not with its square.

    On a GPU, features of half precision are multiplied as they are and added up in float32.
    """
    check_features(query=query, key=key, at_least=True)
    q, k, weight, divisor = arguments(query, key, sample_weight, normalizer, reduction)
    scale = 1 / number(temperature, q) if isinstance(temperature, Tensor) else number(1 / temperature, q)
    (loss,) = _info_nce_loss(
        q, k, scale, weight, divisor, None, reduction != "none", gradients_now(reduction, q, k, scale)
    )
    return as_result_dtype(loss, query, key)


class InfoNCELoss(readable.InfoNCELoss, of=info_nce_loss):
    """``lossbook.InfoNCELoss`` with the fused kernel."""
