"""Mean squared error."""

from torch import Tensor

from .._core import EntryWeight, Loss, Normalizer, Real, Reduction, formula, kept, paired, reduce


@formula
def mse_loss(
    input: Real,
    target: Real,
    *,
    weight: EntryWeight | None = None,
    sample_weight: EntryWeight | None = None,
    normalizer: Normalizer | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    r"""Ask for the conditional mean: an error pulls in proportion to its size.

    .. math::

        \ell(e) = e^2 \qquad e = \text{input} - \text{target}

    Args:
        input: prediction, any shape, any real number in the units of the target.
        target: observation, same shape as ``input``.
        weight: torch's name for a ``sample_weight`` of the full shape; give one of the two.
        sample_weight: bool or finite float >= 0, in the shape of the unreduced loss or its leading dimensions.
            Zero removes the entry from value, gradient and count, even where it is NaN.
        normalizer: number or 0-d tensor by which "mean" divides instead of the count.
        reduction: "none" gives the shape of ``input``; "mean" divides the sum by the number of entries, or by the
            sum of ``sample_weight``, and is NaN when nothing is left (0 with ``normalizer``); "sum" adds up.

    Returns:
        Loss in squared units of the target, in the dtype of the inputs; at least 0.

    Raises:
        ValueError: ``reduction`` is unknown, or shapes differ.
        TypeError: ``input`` or ``target`` is not a floating-point tensor.

    Note:
        There is no factor 1/2, so the gradient is 2e. bfloat16 and float16 are squared and added in float32, but the
        result comes back in the dtype of the inputs: in float16 it is inf from an error of 256 on.
        optax's ``l2_loss`` has the factor 1/2; Keras takes the target first.

    Example:
        >>> import torch
        >>> from lossbook.functional import mse_loss
        >>> mse_loss(torch.tensor([0.5, 10.0]), torch.zeros(2), reduction="none")
        tensor([  0.2500, 100.0000])

    References:
        C. M. Bishop (2006), Pattern Recognition and Machine Learning, equations 1.87 to 1.89.
        https://www.microsoft.com/en-us/research/publication/pattern-recognition-machine-learning/
    """
    entry = paired(input, target, weight=weight, sample_weight=sample_weight)
    error = kept(entry, input) - kept(entry, target)
    return reduce(error * error, reduction, weight=entry, normalizer=normalizer)


class MSELoss(Loss, of=mse_loss):
    """Module form of :func:`lossbook.functional.mse_loss`."""

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__(reduction=reduction)
