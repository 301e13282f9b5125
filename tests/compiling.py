"""What torch.compile makes of a loss, compared with the loss itself: one graph for many calls."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

SOURCES = sorted(Path(__file__).parents[1].glob("lossbook/**/*.py"))


@dataclass(frozen=True)
class Call:
    """Arguments of a loss. No two calls share a leaf, so that one backward pass gives each its own gradients."""

    name: str
    args: tuple[Any, ...]
    settings: dict[str, Any]
    leaves: list[Tensor]


def compiled_is_eager(
    function: Callable[..., Tensor], draw: Callable[[], list[Call]], same: Callable[..., None], **options: Any
) -> None:
    """Compare value and gradients of all calls in one graph; where that fails, one by one, to name the calls.

    Args:
        function: the loss.
        draw: makes the calls; once more for the second look, since a graph may have spoiled the first ones.
        same: asserts that a value and its gradients are those expected.
        options: of torch.compile.
    """
    compare = _compare
    if function.__module__.startswith("lossbook.fused"):
        # A graph names an operator and does not show its backward pass: code that was compiled for other sources is
        # not taken from inductor's cache.
        tag = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()
        compare = torch.compiler.config.patch(cache_key_tag=tag)(_compare)
    try:
        compare(function, draw(), same, options)
    except Exception as together:
        failed = []
        for call in draw():
            try:
                compare(function, [call], same, options)
            except Exception as alone:
                failed.append(f"{call.name}: {type(alone).__name__}: {alone}")
        alone = "\n\n".join(failed) or "each call passes in a graph of its own: only together they fail"
        pytest.fail(f"{alone}\n\nIn one graph: {type(together).__name__}: {together}")


def _compare(
    function: Callable[..., Tensor], calls: list[Call], same: Callable[..., None], options: dict[str, Any]
) -> None:
    def each(given: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> list[Tensor]:
        return [function(*args, **settings) for args, settings in given]

    given = [(call.args, call.settings) for call in calls]
    torch._dynamo.reset()
    found = _with_gradients(torch.compile(each, fullgraph=True, **options)(given), calls)
    for call, mine, expected in zip(calls, found, _with_gradients(each(given), calls), strict=True):
        try:
            same(mine, expected)
        except AssertionError as error:
            raise AssertionError(f"{call.name}: {error}") from None


def _with_gradients(values: list[Tensor], calls: list[Call]) -> list[list[Tensor]]:
    leaves = [leaf for call in calls for leaf in call.leaves]
    upstream = [torch.full_like(value, 2.0) for value in values]  # not 1, which a backward pass may take for granted
    gradients = iter(torch.autograd.grad(values, leaves, upstream, allow_unused=True, materialize_grads=True))
    return [[value, *(next(gradients) for _ in call.leaves)] for value, call in zip(values, calls, strict=True)]
