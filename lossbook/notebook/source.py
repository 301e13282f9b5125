"""Show a function of the package in a chapter as it stands in the file, so that book and code cannot part ways."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def source(function: Callable[..., Any]) -> "Source":
    """Show the source of a function without its docstring.

    Example:
        >>> from lossbook.functional import l1_loss
        >>> from lossbook.notebook import source
        >>> print(source(l1_loss).text.splitlines()[0])
        @formula
    """
    lines = textwrap.dedent(inspect.getsource(inspect.unwrap(function))).splitlines()
    (definition,) = ast.parse("\n".join(lines)).body
    assert isinstance(definition, ast.FunctionDef | ast.ClassDef)
    if ast.get_docstring(definition) is not None:
        docstring = definition.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return Source("\n".join(lines))


@dataclass(frozen=True, repr=False)
class Source:
    """Python source that a notebook shows highlighted."""

    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```"
