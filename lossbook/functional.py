"""Every loss and activation as a function; those of torch under the name they have in ``torch.nn.functional``."""

from .activations.log_softmax import log_softmax
from .activations.logsigmoid import logsigmoid
from .activations.sigmoid import sigmoid
from .activations.softmax import softmax
from .activations.softplus import softplus
from .activations.tanh import tanh
from .classification.binary_cross_entropy import binary_cross_entropy
from .classification.binary_cross_entropy_with_logits import binary_cross_entropy_with_logits
from .classification.cross_entropy import cross_entropy
from .classification.js_div_with_logits import js_div_with_logits
from .classification.kl_div import kl_div
from .classification.kl_div_with_logits import kl_div_with_logits
from .classification.linear_cross_entropy import linear_cross_entropy
from .classification.linear_kl_div import linear_kl_div
from .classification.multi_margin import multi_margin_loss
from .classification.multilabel_margin import multilabel_margin_loss
from .classification.multilabel_soft_margin import multilabel_soft_margin_loss
from .classification.nll import nll_loss
from .classification.sigmoid_focal import sigmoid_focal_loss
from .classification.soft_margin import soft_margin_loss
from .contrastive.clip import clip_loss
from .contrastive.info_nce import info_nce_loss
from .contrastive.siglip import siglip_loss
from .ranking.batch_hard_triplet import batch_hard_triplet_loss
from .ranking.cosine_embedding import cosine_embedding_loss
from .ranking.hinge_embedding import hinge_embedding_loss
from .ranking.margin_ranking import margin_ranking_loss
from .ranking.triplet_margin import triplet_margin_loss
from .ranking.triplet_margin_with_distance import triplet_margin_with_distance_loss
from .regression.gaussian_nll import gaussian_nll_loss
from .regression.huber import huber_loss
from .regression.l1 import l1_loss
from .regression.mse import mse_loss
from .regression.poisson_nll import poisson_nll_loss
from .regression.quantile import quantile_loss
from .regression.smooth_l1 import smooth_l1_loss
from .segmentation.dice import dice_loss
from .segmentation.tversky import tversky_loss
from .sequence.ctc import ctc_loss

__all__ = [
    "batch_hard_triplet_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "clip_loss",
    "cosine_embedding_loss",
    "cross_entropy",
    "ctc_loss",
    "dice_loss",
    "gaussian_nll_loss",
    "hinge_embedding_loss",
    "huber_loss",
    "info_nce_loss",
    "js_div_with_logits",
    "kl_div",
    "kl_div_with_logits",
    "l1_loss",
    "linear_cross_entropy",
    "linear_kl_div",
    "log_softmax",
    "logsigmoid",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "nll_loss",
    "poisson_nll_loss",
    "quantile_loss",
    "siglip_loss",
    "sigmoid",
    "sigmoid_focal_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softplus",
    "tanh",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
    "tversky_loss",
]
