"""What a mutation is."""

import random
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

EITHER = "either"
SKIP = object()  # a clean value that has no such form


class Mutation(NamedTuple):
    due: str
    make: Callable[[Any, random.Random], Any]
    like: Callable[[Any, Any], Any] = lambda mutant, clean: clean  # the clean argument that means the same


def constant(due: str, value: Any, **more: Any) -> Mutation:
    return Mutation(due, lambda clean, rng: value, **more)


def of_value(due: str, make: Callable[[Any], Any], **more: Any) -> Mutation:
    def quietly(clean: Any, rng: random.Random) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of prototypes; they are the point here
            return make(clean)

    return Mutation(due, quietly, **more)
