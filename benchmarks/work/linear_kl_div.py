import torch.nn.functional as F
from torch import Tensor

from work import Args, Loss, _peers
from work._classes import kl_div_with_logits
from work._linear import hidden, linear


def twice(scale: float, *size: int) -> Args:
    return *hidden(scale, *size), *hidden(scale, *size)


def composed(input: Tensor, linear_weight: Tensor, target_input: Tensor, target_weight: Tensor) -> Tensor:
    return kl_div_with_logits(F.linear(input, linear_weight), F.linear(target_input, target_weight))


def liger(args: Args) -> Loss:
    jsd = _peers.liger("fused_linear_jsd")(args)
    return lambda x, w, tx, tw: jsd(x, w, tx, tw, jsd_beta=0.0)


WORK = linear(twice, composed, cpu=(2048, 512, 16000), passes=[3, 1], peers={"liger": liger})
