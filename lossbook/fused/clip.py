"""CLIP loss, both ways from one pass over tiles of the similarities."""

from ..contrastive import clip as readable
from ..contrastive._pairs import check_features
from ._op import as_result_dtype, fused, gradients_now, number
from ._similarity import arguments, softmax_operator

# The derivation and the kernels are in _similarity.py: logits z_ij = s <u_i, v_j>, and half the InfoNCE loss of the
# rows plus half that of the columns, loss_i = (log sum_j exp z_ij + log sum_j exp z_ji) / 2 - z_ii.


_clip_loss = softmax_operator("clip_loss", both=True)


@fused(readable.clip_loss, gradients=("image_features", "text_features", "logit_scale"))
def clip_loss(image_features, text_features, *, logit_scale, sample_weight, normalizer, reduction):
    """Fused: never holds all similarities, so memory grows with the batch, not with its square.

    The sums over the texts of each image and over the images of each text come from one pass over the similarities.
    On a GPU, features of half precision are multiplied as they are and added up in float32.
    """
    check_features(image_features=image_features, text_features=text_features)
    image, text, weight, divisor = arguments(image_features, text_features, sample_weight, normalizer, reduction)
    scale = number(logit_scale, image)
    (loss,) = _clip_loss(
        image, text, scale, weight, divisor, None, reduction != "none", gradients_now(reduction, image, text, scale)
    )
    return as_result_dtype(loss, image_features, text_features)


class CLIPLoss(readable.CLIPLoss, of=clip_loss):
    """``lossbook.CLIPLoss`` with the fused kernel."""
