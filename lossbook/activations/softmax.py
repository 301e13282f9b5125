"""Softmax: logits as probabilities of classes."""

import torch
from torch import Tensor

from .._core import Activation, AnyTensor, checked, formula
from ._dim import check_options, prepare, shifted


@checked
def softmax(input: AnyTensor, dim: int | None = None, *, dtype: torch.dtype | None = None) -> Tensor:
    r"""Turn logits into probabilities that add up to 1 along one dimension.

    .. math::

        p_c = \frac{e^{x_c}}{\sum_k e^{x_k}} \qquad
        \frac{\partial p_c}{\partial x_k} = p_c ([c = k] - p_k) \qquad x = \text{input}

    Args:
        input: logits, any shape, any real number or -inf for a class that is ruled out.
        dim: dimension of the classes. It must be given: torch's guess (deprecated) is wrong for three dimensions.
        dtype: floating-point dtype to cast ``input`` to before anything else; None keeps the one it has.

    Returns:
        Probabilities in [0, 1], shape of ``input``, in ``dtype`` or the dtype of ``input``.

    Raises:
        TypeError: ``dim`` is missing or not an int, ``dtype`` is not floating point, or ``input`` is not (and ``dtype``
            is None).
        ValueError: ``input`` has no dimension ``dim``.

    Note:
        The maximum is subtracted first, so logits of any size are safe. A row of nothing but -inf is NaN, as in torch:
        no class is left. A class falls to exactly 0 when its logit is behind the largest by 745 in float64, 104 in
        float32, 17 in float16; take ``log_softmax`` rather than the logarithm. ``cross_entropy`` contains the softmax
        already: before it, a second one puts a floor of log(1 + (C - 1) / e) under the loss.

    Example:
        >>> import torch
        >>> from lossbook.functional import softmax
        >>> softmax(torch.tensor([[2.0, 0.0, 0.0], [1e4, 0.0, float("-inf")]]), dim=1)
        tensor([[0.7870, 0.1065, 0.1065],
                [1.0000, 0.0000, 0.0000]])

    References:
        J. S. Bridle (1990), Probabilistic Interpretation of Feedforward Classification Network Outputs.
        https://doi.org/10.1007/978-3-642-76153-9_28
    """
    dim = check_options(dim=dim, dtype=dtype)
    return _softmax(prepare(input, dim, dtype), dim)


@formula
def _softmax(input: Tensor, dim: int) -> Tensor:
    exponential = torch.exp(shifted(input, dim))
    return exponential / exponential.sum(dim, keepdim=True)


class Softmax(Activation, of=softmax):
    """Module form of :func:`lossbook.functional.softmax`."""

    def __init__(self, dim: int | None = None, *, dtype: torch.dtype | None = None) -> None:
        super().__init__(dim=check_options(dim=dim, dtype=dtype), dtype=dtype)
