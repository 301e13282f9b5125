"""The variance beside a mean: which shapes it comes in."""

from torch import Tensor


def variance(var: Tensor | float, input: Tensor) -> Tensor:
    """Give ``var`` a shape that broadcasts to the one of ``input``."""
    if not isinstance(var, Tensor):
        return input.new_full((), var)
    shape, given = tuple(input.shape), tuple(var.shape)
    if not given:
        return var
    if given == shape[:-1]:
        return var.unsqueeze(-1)
    if len(given) != len(shape) or any(size not in (1, wanted) for size, wanted in zip(given, shape, strict=True)):
        raise ValueError(
            f"var must be one number or have the shape of input, {shape}, with dimensions replaced by 1 or "
            f"the last one left out; got {given}"
        )
    return var
