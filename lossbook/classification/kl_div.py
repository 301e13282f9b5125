"""Kullback-Leibler divergence between distributions."""

import torch
from torch import Tensor

from .._core import (
    BatchReduction,
    EntryWeight,
    Flag,
    LogProbs,
    Loss,
    Normalizer,
    NotNegativeReal,
    Real,
    check_domain,
    formula,
    kept,
    paired,
    reduce,
    times,
)


@formula
def kl_div(
    input: LogProbs,
    target: Real,
    *,
    log_target: Flag = False,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: BatchReduction = "mean",
) -> Tensor:
    r"""Ask for the log-probabilities of the target distribution.

    .. math::

        \ell = p\,(\log p - \log q) \qquad
        p = \text{target} \text{ or } e^{\text{target}} \qquad \log q = \text{input}

    The sum over the classes is the divergence of p from q, KL(p‖q). Mathematics names p first, this function q.

    Args:
        input: log-probabilities of the model, any shape, at most 0; ``log_softmax`` gives them.
        target: probabilities, at least 0, or with ``log_target`` their logarithms, at most 0; floating point, same
            shape as ``input``.
        log_target: True if ``target`` holds log-probabilities.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "batchmean" divides the sum by the size of the first dimension
            (0-d: 1); "mean" divides it by the number of entries, classes included; both count ``sample_weight``, and
            are NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in nats, in the dtype of the inputs. Its sum over a distribution is at least 0, single entries are not.

    Raises:
        ValueError: ``reduction`` is unknown, shapes differ, or (on CPU) a probability is below 0 or a log-probability
            above 0.001, which leaves room for rounding.
        TypeError: ``input`` or ``target`` is not a floating-point tensor, or ``log_target`` is not a bool.

    Note:
        "batchmean" is the divergence of a batch of shape (batch, classes); "mean", the default as in torch, is smaller
        by the number of classes. Where p is 0 the loss is 0, also with input -inf, and the gradient for the target is
        finite: log p ends at the smallest normal number.
        Keras and torchmetrics take the target first, and probabilities on both sides.

    Example:
        >>> import torch
        >>> from lossbook.functional import kl_div
        >>> q, p = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.9, 0.1]])
        >>> kl_div(q.log(), p, reduction="none"), kl_div(q.log(), p, reduction="batchmean")
        (tensor([[ 0.5290, -0.1609]]), tensor(0.3681))

    References:
        S. Kullback, R. A. Leibler (1951), On Information and Sufficiency, equation 2.4.
        https://doi.org/10.1214/aoms/1177729694
    """
    entry = paired(input, target, sample_weight=sample_weight)
    input, target = kept(entry, input, fill=0.0), kept(entry, target, fill=0.0)
    check_domain("input", input, LogProbs)
    if log_target:
        check_domain("target", target, LogProbs)
        p = target.exp()
        log_p = target.clamp_min(torch.finfo(target.dtype).min)  # -inf - -inf would be NaN
    else:
        check_domain("target", target, NotNegativeReal)
        p = target
        log_p = target.masked_fill(target == 0, torch.finfo(target.dtype).tiny).log()
    return reduce(times(p, log_p - input), reduction, weight=entry, normalizer=normalizer)


class KLDivLoss(Loss, of=kl_div):
    """Module form of :func:`lossbook.functional.kl_div`."""

    def __init__(self, *, log_target: bool = False, reduction: str = "mean") -> None:
        super().__init__(log_target=log_target, reduction=reduction)
