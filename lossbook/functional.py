"""Every loss and activation as a function; those of torch under the name they have in ``torch.nn.functional``."""

from .activations.log_softmax import log_softmax as log_softmax
from .activations.logsigmoid import logsigmoid as logsigmoid
from .activations.sigmoid import sigmoid as sigmoid
from .activations.softmax import softmax as softmax
from .activations.softplus import softplus as softplus
from .activations.tanh import tanh as tanh
from .classification.binary_cross_entropy import binary_cross_entropy as binary_cross_entropy
from .classification.binary_cross_entropy_with_logits import (
    binary_cross_entropy_with_logits as binary_cross_entropy_with_logits,
)
from .classification.cross_entropy import cross_entropy as cross_entropy
from .classification.kl_div import kl_div as kl_div
from .classification.linear_cross_entropy import linear_cross_entropy as linear_cross_entropy
from .classification.multilabel_soft_margin import multilabel_soft_margin_loss as multilabel_soft_margin_loss
from .classification.nll import nll_loss as nll_loss
from .classification.sigmoid_focal import sigmoid_focal_loss as sigmoid_focal_loss
from .classification.soft_margin import soft_margin_loss as soft_margin_loss
from .contrastive.clip import clip_loss as clip_loss
from .contrastive.info_nce import info_nce_loss as info_nce_loss
from .contrastive.siglip import siglip_loss as siglip_loss
from .distillation.js_div_with_logits import js_div_with_logits as js_div_with_logits
from .distillation.kl_div_with_logits import kl_div_with_logits as kl_div_with_logits
from .distillation.linear_kl_div import linear_kl_div as linear_kl_div
from .margin.multi_margin import multi_margin_loss as multi_margin_loss
from .margin.multilabel_margin import multilabel_margin_loss as multilabel_margin_loss
from .ranking.batch_hard_triplet import batch_hard_triplet_loss as batch_hard_triplet_loss
from .ranking.cosine_embedding import cosine_embedding_loss as cosine_embedding_loss
from .ranking.hinge_embedding import hinge_embedding_loss as hinge_embedding_loss
from .ranking.margin_ranking import margin_ranking_loss as margin_ranking_loss
from .ranking.triplet_margin import triplet_margin_loss as triplet_margin_loss
from .ranking.triplet_margin_with_distance import triplet_margin_with_distance_loss as triplet_margin_with_distance_loss
from .regression.gaussian_nll import gaussian_nll_loss as gaussian_nll_loss
from .regression.huber import huber_loss as huber_loss
from .regression.l1 import l1_loss as l1_loss
from .regression.log_cosh import log_cosh_loss as log_cosh_loss
from .regression.mse import mse_loss as mse_loss
from .regression.poisson_nll import poisson_nll_loss as poisson_nll_loss
from .regression.quantile import quantile_loss as quantile_loss
from .regression.smooth_l1 import smooth_l1_loss as smooth_l1_loss
from .segmentation.dice import dice_loss as dice_loss
from .segmentation.tversky import tversky_loss as tversky_loss
from .sequence.ctc import ctc_loss as ctc_loss
