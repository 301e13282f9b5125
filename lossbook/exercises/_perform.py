"""One call of an answer on copies of its arguments, and its result as plain data: numbers, or words for what came."""

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from types import CodeType
from typing import Any

import torch
from torch import Tensor, nn

from ._cases import Case
from ._plain import LARGEST, Plain
from ._rules import watched
from ._state import differs

Answer = Callable[..., Any]


@dataclass(frozen=True)
class Performance:
    """How the answers to one exercise are called.

    Attributes:
        run: calls an answer, where it is not called like a function.
        without: what its statement forbids.
        gradients: the arguments to which a gradient is asked for.
        dtypes: those in which derivatives are looked at.
        random: an answer may draw random numbers, as whoever trains does.
        numbers: the results are numbers of Python.
        stub: what there was to begin with.
    """

    run: Answer | None
    without: tuple[str, ...]
    gradients: tuple[str, ...]
    dtypes: tuple[torch.dtype, ...]
    random: bool = False
    numbers: bool = False
    stub: str = ""

    def result(self, answer: Answer, case: Case) -> Plain:
        """Call the answer once; whatever it does comes back as data, and nothing is raised."""
        answer = self.given(answer)
        args = copy.deepcopy(case.args)
        leaves = self.leaves(case, args)
        before, broken = copy.deepcopy(args), list[str]()
        versions = [_version(argument) for argument in args]
        try:
            with watched(self.without, args, broken):
                value = self.call(answer, args)
            plain: Plain = {"value": describe(value, self.numbers)}
        except BaseException as error:  # whatever an answer raises is a verdict
            value, plain = None, {"raised": _words(error)}
        if broken:
            return {"forbidden": broken[0]}
        if "value" in plain and leaves and not case.refused:
            plain |= self._derivatives(value, leaves, case)
        for name, old, new, version in zip(case.names, before, args, versions, strict=True):
            if differs(old, new) or _version(new) != version:
                plain["changed"] = name
        return plain

    def given(self, answer: Answer) -> Answer:
        """The answer itself."""
        return answer

    def untouched(self, answer: Answer) -> bool:
        """Say whether an answer is the stub, comments and layout aside: by its source, or its code if it has none."""
        answer = self.given(answer)
        try:
            return ast.dump(ast.parse(source(answer))) == ast.dump(ast.parse(self.stub))
        except (OSError, TypeError, SyntaxError):  # made by exec, or no function
            begun = next(part for part in compile(self.stub, "stub", "exec").co_consts if isinstance(part, CodeType))
            return _same(getattr(answer, "__code__", None), begun)

    def call(self, answer: Answer, args: list[Any]) -> Any:
        """Call the answer, in the exercise's own way if it has one."""
        if self.run is None:
            return answer(*args)
        returned: list[Any] = []

        def keeping(*given: Any, **settings: Any) -> Any:
            returned.append(answer(*given, **settings))
            return returned[-1]

        try:
            return self.run(keeping if inspect.isroutine(answer) else answer, *args)  # a kernel is launched, not called
        except Exception:
            if returned and (returned[-1] is None or returned[-1] is ...):
                return returned[-1]  # nothing that one could go on with
            raise

    def leaves(self, case: Case, args: list[Any]) -> list[list[Tensor]]:
        """Ask for gradients: a list of tensors for each argument that is named, nothing where none are looked at."""
        leaves: list[list[Tensor]] = []
        for name in self.gradients if case.dtype in self.dtypes else ():
            argument = args[case.names.index(name)]
            if isinstance(argument, nn.Module):
                leaves.append(list(argument.parameters()))
            else:
                leaves.append([t.requires_grad_() for t in (argument if isinstance(argument, list) else [argument])])
        return leaves

    def _derivatives(self, value: Any, leaves: list[list[Tensor]], case: Case) -> Plain:
        try:
            hangs = any(part.requires_grad for part in outputs(value))
            return {"graph": hangs, "gradients": [
                {name: [describe(g) for g in each] for name, each in zip(self.gradients, found, strict=True)}
                for found in derivatives(outputs(value), leaves, case.seed, case.order)
            ]}  # fmt: skip
        except BaseException as error:
            return {"gradients_raised": _words(error)}


def source(function: Any) -> str:
    """The source of a function, or of a kernel, without the docstring that says what is wrong with it."""
    return textwrap.dedent(inspect.getsource(getattr(function, "fn", function))).strip()


def _same(one: Any, other: Any) -> bool:
    """Say whether two functions were compiled to the same, comments and layout aside."""
    if not isinstance(one, CodeType) or not isinstance(other, CodeType):
        return type(one) is type(other) and bool(one == other)
    alike = all(getattr(one, part) == getattr(other, part) for part in ("co_code", "co_names", "co_varnames"))
    return alike and len(one.co_consts) == len(other.co_consts) and all(map(_same, one.co_consts, other.co_consts))


def outputs(value: Any) -> list[Tensor]:
    """The parts of a result that may have a gradient."""
    parts = value if isinstance(value, list | tuple) else [value]
    return [part for part in parts if isinstance(part, Tensor) and part.is_floating_point()]


def derivatives(values: list[Tensor], leaves: list[list[Tensor]], seed: int, order: int) -> list[list[list[Any]]]:
    """Give the derivatives of each order, for gradients that arrive at random and are the same for the same seed."""
    flat = [leaf for each in leaves for leaf in each]
    reached: list[Tensor | None] = list(values)
    found = []
    for step in range(order):
        arriving = [
            _arrives(v, seed + 1000 * step + i) for i, v in enumerate(reached) if v is not None and v.requires_grad
        ]
        hung = [v for v in reached if v is not None and v.requires_grad]
        last = step == order - 1
        if hung:
            reached = list(torch.autograd.grad(hung, flat, arriving, create_graph=not last, allow_unused=True))
        else:
            reached = [None] * len(flat)
        rest = iter(reached)
        found.append([[next(rest) for _ in each] for each in leaves])
    return found


def _arrives(value: Tensor, seed: int) -> Tensor:
    """Draw a gradient, of numbers that every dtype holds exactly."""
    random = torch.Generator().manual_seed(seed)
    size = torch.randint(1, 128, value.shape, generator=random)
    return ((size / 32) * (1 - 2 * (size % 2))).to(value.dtype)


def describe(value: Any, numbers: bool = False) -> Plain:
    """Say what came, as data: the numbers of a tensor, or words for anything else; a number where one is expected."""
    if numbers and type(value) is not bool and isinstance(value, Real):
        return {"dtype": "float64", "shape": [], "data": [float(value)]}
    if type(value) is Tensor or type(value) is nn.Parameter:
        plain = {"dtype": str(value.dtype).removeprefix("torch."), "shape": list(value.shape)}
        if value.layout is not torch.strided or value.is_quantized:
            return {"said": f"a tensor of layout {value.layout}"}
        if not value.is_complex() and value.numel() <= LARGEST:
            plain["data"] = value.detach().flatten().double().tolist()
        return plain
    if type(value) in (list, tuple):
        return {"items": [describe(each, numbers) for each in value[:50]]}
    if value is None or value is ...:
        return {"said": "None" if value is None else "..."}
    if type(value) in (bool, int, float):
        return {"said": f"the Python number {value!r}"[:60]}
    kind = type(value).__name__
    if issubclass(type(value), Tensor):
        return {"said": f"a {kind}, which is a subclass of Tensor"}
    return {"said": f"{'an' if kind[:1] in 'aeiouAEIOU' else 'a'} {kind}"}


def _version(argument: Any) -> int:
    return argument._version if isinstance(argument, Tensor) else 0


def _words(error: BaseException) -> Plain:
    """Say what was raised, in one line, and whether the call itself failed, before a line of the answer ran."""
    try:
        lines = str(error).strip().splitlines()
        text = lines[0][:300] if lines else ""
    except BaseException:
        text = "a message that cannot be read"
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    entered = last is None or last.tb_frame.f_code.co_filename != __file__
    return {
        "kind": type(error).__name__,
        "text": text,
        "own": isinstance(error, AssertionError),
        "call": isinstance(error, TypeError) and not entered,
    }
