from torch import Tensor

from work._elementwise import cells, elementwise


def log_cosh(input: Tensor, target: Tensor) -> Tensor:
    return (input - target).cosh().log().mean()


WORK = elementwise(cells, log_cosh)
