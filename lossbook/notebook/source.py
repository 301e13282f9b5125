"""Show a function of the package in a chapter as it stands in the file, so that book and code cannot part ways."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

PLUMBING = tuple(f"lossbook._core.{name}" for name in ("check", "classes", "formula", "kinds", "numbers", "reduce"))
"""The modules whose functions refuse wrong calls, take weights and reduce: the book explains them once, in
*Reductions, weights and masks*."""


def source(function: Callable[..., Any]) -> "Source":
    """Show the lines of a function that compute; its checks, its weights and its reduction are folded under them.

    Functions of the same file or family that compute a part of it follow. A class is shown whole.

    Raises:
        TypeError: it is neither a function nor a class, or not written in Python.

    Example:
        >>> from lossbook.functional import mse_loss
        >>> from lossbook.notebook import source
        >>> source(mse_loss)
        def mse_loss(input, target, ...):
            error = input - target
            return reduce(error * error, reduction)
    """
    if not (inspect.isclass(function) or inspect.isfunction(inspect.unwrap(function))):
        raise TypeError(f"source shows a function or class that is written in Python; got {function!r}")
    if inspect.isclass(function):
        whole = _whole(function)
        return Source(whole, whole)
    parts = list(_parts(inspect.unwrap(function), []))
    return Source("\n\n\n".join(map(_formula, parts)), "\n\n\n".join(map(_whole, parts)))


@dataclass(frozen=True, repr=False)
class Source:
    """Python source that a notebook shows highlighted: the formula, and folded all of it."""

    formula: str
    whole: str

    def __repr__(self) -> str:
        return self.formula

    def _repr_markdown_(self) -> str:
        said = "The whole function, with checks, weights and reduction"
        shown = f"```python\n{self.formula}\n```"
        if self.formula == self.whole:
            return shown
        return f"{shown}\n\n<details>\n<summary>{said}</summary>\n\n```python\n{self.whole}\n```\n\n</details>"


def _lines(function: Callable[..., Any]) -> list[str]:
    return textwrap.dedent(inspect.getsource(function)).splitlines()


def _definition(function: Callable[..., Any]) -> ast.FunctionDef | ast.ClassDef:
    (definition,) = ast.parse("\n".join(_lines(function))).body
    assert isinstance(definition, ast.FunctionDef | ast.ClassDef)
    return definition


def _family(function: Callable[..., Any]) -> str:
    """The package of a function, or its module where that is in none, as in a notebook."""
    return function.__module__.rpartition(".")[0] or function.__module__


def _parts(function: Callable[..., Any], seen: list[Callable[..., Any]]) -> Iterator[Callable[..., Any]]:
    """The function, and after it those of its file or family that compute something for it."""
    seen.append(function)
    yield function
    for node in ast.walk(_definition(function)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called = inspect.unwrap(function.__globals__.get(node.func.id, len))
            if called not in seen and _is_part(called, function):
                yield from _parts(called, seen)


def _is_part(called: Callable[..., Any], function: Callable[..., Any]) -> bool:
    """Whether a function of the same family has arithmetic in what it assigns or returns."""
    if not inspect.isfunction(called) or not called.__module__.startswith(_family(function)):
        return False
    made = (node for node in ast.walk(_definition(called)) if isinstance(node, ast.Assign | ast.Return))
    return any(_is_arithmetic(part) for node in made for part in ast.walk(node))


def _whole(function: Callable[..., Any]) -> str:
    """The source without its docstring."""
    lines, definition = _lines(function), _definition(function)
    if ast.get_docstring(definition) is not None:
        docstring = definition.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return "\n".join(lines)


def _formula(function: Callable[..., Any]) -> str:
    """The lines that compute, under a head that names what they use."""
    lines, definition = _lines(function), _definition(function)
    text = "\n".join(lines)
    for call in ast.walk(definition):  # kept(entry, x) is x unless entries are weighted or left out
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "kept":
            whole, inner = (ast.get_source_segment(text, node) for node in (call, call.args[1]))
            lines[call.lineno - 1] = lines[call.lineno - 1].replace(f"{whole}", f"{inner}")
    lines = [re.sub(r"(\breduce\(.*, reduction), .*\)$", r"\1)", line) for line in lines]
    shown = _shown(definition.body, function, lines, set())
    words = _words(shown)
    given = inspect.signature(function).parameters.values()
    head = [
        each.name if each.default is each.empty else f"{each.name}={each.default!r}"
        for each in given
        if each.default is each.empty or (each.name in words and each.name != "reduction")
    ]
    left_out = ["..."] if len(head) < len(given) else []
    return "\n".join([f"def {definition.name}({', '.join([*head, *left_out])}):", *shown])


def _words(lines: Iterable[str]) -> set[str]:
    return set(re.findall(r"\w+", "\n".join(lines)))


def _shown(body: Iterable[ast.stmt], function: Callable[..., Any], lines: list[str], read: set[str]) -> list[str]:
    """The lines of the statements that compute what is read after them, each with the comment above it.

    From the last statement to the first one, ``read`` grows by the words of what is shown.
    """
    shown: list[str] = []
    for statement in reversed(list(body)):
        part = _part(statement, function, lines, read)
        read |= _words(part)
        shown = [*part, *shown]
    return shown


def _part(statement: ast.stmt, function: Callable[..., Any], lines: list[str], read: set[str]) -> list[str]:
    """What is shown of one statement."""
    if isinstance(statement, ast.If | ast.For | ast.With):
        return _block(statement, function, lines, read)
    if isinstance(statement, ast.FunctionDef):
        wanted = statement.name in read
    elif isinstance(statement, ast.Assign | ast.AugAssign):
        made = _targets(statement)
        wanted = bool(made & read) and made != {"entry"} and _computes(statement, function, lines)
    else:
        wanted = isinstance(statement, ast.Return)
    if not wanted:
        return []
    first = statement.lineno - 1
    while lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return lines[first : statement.end_lineno]


def _block(
    statement: ast.If | ast.For | ast.With, function: Callable[..., Any], lines: list[str], read: set[str]
) -> list[str]:
    """What is shown of a statement with others inside: nothing where it is there to check."""
    if isinstance(statement, ast.If) and _checks(statement.test, function):
        return []
    if isinstance(statement, ast.For):  # the next turn reads what this one made
        read = read | _words(lines[statement.lineno - 1 : statement.end_lineno])
    shown = _shown(statement.body, function, lines, set(read))
    if not shown:
        return []
    otherwise = _shown(getattr(statement, "orelse", []), function, lines, set(read))
    head = [f"{' ' * statement.col_offset}else:"] if otherwise else []
    return [lines[statement.lineno - 1], *shown, *head, *otherwise]


def _targets(statement: ast.Assign | ast.AugAssign) -> set[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _computes(statement: ast.Assign | ast.AugAssign, function: Callable[..., Any], lines: list[str]) -> bool:
    """Whether an assignment makes something, by arithmetic or at least by no check and no weight."""
    line = lines[statement.lineno - 1]
    if re.match(r"\s*(\w+(?:, \w+)*) = (\1$|\((\w+) for \3 in \(\1\)\)$|.*\bentry is None)", line):
        return False
    inner = list(ast.walk(statement.value))
    if any(_is_arithmetic(part) for part in inner):
        return True
    return not any(isinstance(part, ast.Call) and _is_plumbing(part.func, function) for part in inner)


def _checks(test: ast.expr, function: Callable[..., Any]) -> bool:
    """Whether a condition asks a module that checks, as in ``check.values_are_checked(input)``."""
    calls = (node.func for node in ast.walk(test) if isinstance(node, ast.Call))
    modules = (call.value.id for call in calls if isinstance(call, ast.Attribute) and isinstance(call.value, ast.Name))
    return any(getattr(function.__globals__.get(name), "__name__", "") in PLUMBING for name in modules)


def _is_arithmetic(node: ast.AST) -> bool:
    """An operator; the sign of a number, as in `unsqueeze(-1)`, is none."""
    if isinstance(node, ast.UnaryOp):
        return not isinstance(node.operand, ast.Constant)
    return isinstance(node, ast.BinOp | ast.Compare)


def _is_plumbing(called: ast.expr, function: Callable[..., Any]) -> bool:
    """Whether what is called checks, weighs or reduces; `kept` does not count, it is what it keeps."""
    if not isinstance(called, ast.Name) or called.id == "kept":
        return False
    found = inspect.unwrap(function.__globals__.get(called.id, len))
    return called.id.startswith("check") or getattr(found, "__module__", "").startswith(PLUMBING)
