"""Losses of a linear map: which features, weights and biases go together."""

from torch import Tensor

from . import check
from .autocast import under_autocast


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
        check.shape(bias_name, bias, (classes, *out_features), "one for each logit")
        same_dtype[bias_name] = bias
    if len({t.dtype for t in same_dtype.values()}) > 1 and not under_autocast(input):
        raise TypeError("dtypes must match: " + ", ".join(f"{name} {t.dtype}" for name, t in same_dtype.items()))


def check_map_and_target(
    input: Tensor, linear_weight: Tensor, target: Tensor, linear_bias: Tensor | None, ignore_index: int | None
) -> None:
    """Refuse an input, a linear map and class targets that do not fit."""
    check_map(input=input, linear_weight=linear_weight, linear_bias=linear_bias)
    per_class = target.is_floating_point()
    if ignore_index is not None and per_class:
        raise ValueError(f"ignore_index goes with class indices, not with probabilities; got {ignore_index}")
    if input.dim() > 2:
        wanted = (*input.shape[:-1], linear_weight.shape[0]) if per_class else input.shape[:-1]
        meaning = "that of input " + ("with classes last" if per_class else "without features")
        check.shape("target", target, wanted, meaning)


def check_two_maps(input: Tensor, linear_weight: Tensor, target_input: Tensor, target_weight: Tensor) -> None:
    """Refuse a student and a teacher whose logits do not have the same shape."""
    for name, weight in (("linear_weight", linear_weight), ("target_weight", target_weight)):
        if weight.dim() != 2:
            raise ValueError(f"{name} must have shape (classes, features); got {tuple(weight.shape)}")
    if linear_weight.shape[0] != target_weight.shape[0]:
        raise ValueError(
            "linear_weight and target_weight must have as many classes first; "
            f"got {tuple(linear_weight.shape)} and {tuple(target_weight.shape)}"
        )
    if input.shape[:-1] != target_input.shape[:-1]:
        raise ValueError(
            "input and target_input must have the same shape without features; "
            f"got {tuple(input.shape)} and {tuple(target_input.shape)}"
        )
