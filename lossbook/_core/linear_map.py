"""Losses of a linear map: which features, weights and biases go together."""

import torch
from torch import Tensor

from . import check


def check_map(**named: Tensor | None) -> None:
    """Refuse an input, the weight of its linear map and its bias (or None), named in this order, that do not fit."""
    (input_name, input), (weight_name, weight), (bias_name, bias) = named.items()
    assert input is not None
    assert weight is not None
    if weight.dim() < 2:
        raise ValueError(f"{weight_name} must have shape (classes, ..., in_features); got {tuple(weight.shape)}")
    classes, *out_features, in_features = weight.shape
    if input.dim() == 0 or input.shape[-1] != in_features:
        raise ValueError(
            f"{input_name} must have as many features last as {weight_name} {tuple(weight.shape)}; "
            f"got {tuple(input.shape)}"
        )
    if out_features and input.dim() != 2:
        raise ValueError(
            f"{input_name} must have shape (batch, {in_features}) with {weight_name} {tuple(weight.shape)}; "
            f"got {tuple(input.shape)}"
        )
    same_dtype = {input_name: input, weight_name: weight}
    if bias is not None:
        check.floating(**{bias_name: bias})
        check.tensors(**{input_name: input, bias_name: bias})
        check.shape(bias_name, bias, (classes, *out_features), "one for each logit")
        same_dtype[bias_name] = bias
    if len({t.dtype for t in same_dtype.values()}) > 1 and not torch.is_autocast_enabled(input.device.type):
        raise TypeError("dtypes must match: " + ", ".join(f"{name} {t.dtype}" for name, t in same_dtype.items()))
