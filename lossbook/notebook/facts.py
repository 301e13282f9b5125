"""What goes into each loss and what comes out, read from the docstrings, so that table and code cannot part ways."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import functional

TABLE_PATTERN = re.compile(r"(?s)(?<=\| Loss \| What goes in \|).*")
"""What nbval does not compare: the table is made from the docstrings anew, so a new loss makes no chapter stale."""


@dataclass(frozen=True)
class Contract:
    """The four facts to know before a loss is called, in the words of its docstring."""

    name: str
    goes_in: str
    target: str
    mean: str
    returns: str

    @staticmethod
    def of(loss: Callable[..., Any]) -> "Contract":
        """Read the contract of one loss.

        Example:
            >>> from lossbook.functional import huber_loss
            >>> Contract.of(huber_loss).target
            'observation, same shape as `input`'
        """
        doc = (inspect.getdoc(loss) or "").replace("``", "`")
        arguments = _arguments(_section(doc, "Args"))
        tensors = [n for n, p in inspect.signature(loss).parameters.items() if p.kind is not p.KEYWORD_ONLY]
        target = next((name for name in ("target", "targets") if name in tensors), None)
        inputs = [name for name in tensors if name != target and not name.endswith("lengths")]
        mean = re.search(r'"mean" (divides .*?)(?:, and is NaN|;|$)', arguments["reduction"])
        return Contract(
            name=loss.__name__,
            goes_in="; ".join(f"`{name}`: {_first_sentence(arguments[name])}" for name in inputs),
            target="none" if target is None else _first_sentence(arguments[target]),
            mean=mean[1] if mean else "",
            returns=_first_sentence(_section(doc, "Returns").removeprefix("Loss ")),
        )


def contracts() -> list[Contract]:
    """Read the contract of every loss."""
    found = (f for _, f in sorted(vars(functional).items()) if inspect.isfunction(f))
    return [Contract.of(loss) for loss in found if "reduction" in inspect.signature(loss).parameters]


def contract_table(*losses: str | Callable[..., Any]) -> "ContractTable":
    """Show the contract of every loss, or of those named, as one table.

    Args:
        losses: functions, or their names; all unless given.

    Raises:
        ValueError: there is no loss of that name.
    """
    rows = {c.name: c for c in contracts()}
    names = [loss if isinstance(loss, str) else getattr(loss, "__name__", repr(loss)) for loss in losses]
    unknown = [name for name in names if name not in rows]
    if unknown:
        raise ValueError(f"no loss function is called {', '.join(unknown)}; there are {', '.join(rows)}")
    return ContractTable(tuple(rows[name] for name in names or rows))


@dataclass(frozen=True, repr=False)
class ContractTable:
    """Contracts that a notebook shows as a table."""

    rows: tuple[Contract, ...]

    def __repr__(self) -> str:
        return "a table of what goes into each loss and what comes out"

    def _repr_markdown_(self) -> str:
        head = '| Loss | What goes in | Target | "mean" | Unit and smallest value |\n|---|---|---|---|---|\n'
        rows = (f"| `{c.name}` | {c.goes_in} | {c.target} | {c.mean} | {c.returns} |" for c in self.rows)
        return head + "\n".join(rows)


def _section(doc: str, title: str) -> str:
    found = re.search(rf"^{title}:[ \n](.*?)(?=\n\n|\Z)", doc, re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError(f"a docstring has no section {title}: {doc.splitlines()[0]}")
    return found[1] if title == "Args" else " ".join(found[1].split())


def _arguments(section: str) -> dict[str, str]:
    parts = re.split(r"^    (\w+): ", "\n" + section, flags=re.MULTILINE)[1:]
    return {name: " ".join(text.split()) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _first_sentence(text: str) -> str:
    return re.split(r"\.(?: |$)", text, maxsplit=1)[0]
