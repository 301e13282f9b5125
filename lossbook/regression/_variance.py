"""The variance beside a mean: which shapes it comes in."""

from torch import Tensor

from .._core import check, numbers


def variance(var: Tensor | float, input: Tensor) -> Tensor:
    """Give ``var`` a shape that broadcasts to the one of ``input``."""
    if not isinstance(var, Tensor):
        return input.new_full((), numbers.not_negative("var", var))
    check.floating(input=input, var=var)
    shape, given = tuple(input.shape), tuple(var.shape)
    if given == shape[:-1] and shape:
        return var.unsqueeze(-1)
    differ = [size for size, wanted in zip(given, shape, strict=False) if size != wanted]
    if len(given) != len(shape) or differ not in ([], [1]):
        raise ValueError(
            f"var must be a number or have the shape of input, {shape}, with one dimension replaced by 1 or "
            f"the last one left out; got {given}"
        )
    return var
