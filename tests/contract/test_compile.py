"""Every loss and activation in one graph: what torch.compile makes of it is what runs without."""

import ast
from pathlib import Path

import pytest
import torch
from compiling import Call, compiled_is_eager
from oracles import Case
from subjects import SUBJECTS, Subject, cast, differentiable, draw

every_subject = pytest.mark.parametrize("subject", SUBJECTS, ids=str)
FILES = sorted(Path(__file__).parents[1].rglob("test_*.py"))


def calls(subject: Subject, cases: list[Case], reductions: tuple[str, ...] = ("none", "sum", "mean")) -> list[Call]:
    """Every case with "mean", and the first with each reduction, in float32."""
    made = []
    for case in cases:
        chosen = reductions if case is cases[0] else reductions[-1:]
        for options in [{"reduction": r} for r in chosen] if subject.is_loss else [{}]:
            args, settings = cast(draw(case, seed=5), case.settings, torch.float32)
            leaves, refill = differentiable(subject, args)
            made.append(Call(f"{case}, {options}", refill(*leaves), settings | options, leaves))
    return made


@pytest.mark.compiles
@every_subject
def test_fullgraph(subject):
    compiled_is_eager(
        subject.function, lambda: calls(subject, subject.cases), torch.testing.assert_close,
        backend="aot_eager", dynamic=False,
    )  # fmt: skip


@pytest.mark.compiles
@every_subject
def test_fullgraph_to_machine_code(subject):
    compiled_is_eager(
        subject.function, lambda: calls(subject, subject.cases[:1], ("mean",)), torch.testing.assert_close,
        backend="inductor", dynamic=False,
    )  # fmt: skip


class Wrong:
    """A loss that is right in eager mode; compiled, it is wrong or breaks the graph where `flaw` is given."""

    def __init__(self, flaw):
        self.flaw = flaw
        self.__module__ = __name__

    def __call__(self, x, *, flawed):
        if flawed and torch.compiler.is_compiling():
            return self.flaw(x)
        return (x**2).sum()


@pytest.mark.compiles
@pytest.mark.parametrize(
    ("flaw", "said"),
    [
        (lambda x: (x**2).sum() + 1, "second: AssertionError: "),
        (lambda x: (x * x.detach()).sum(), "second: AssertionError: "),
        (lambda x: (x**2).sum() if x.sum() > 0 else x.sum(), "second: Unsupported: "),
    ],
    ids=["value", "gradient", "graph"],
)
def test_a_failure_names_the_call(flaw, said):
    def draw_two():
        leaves = [torch.ones(2, requires_grad=True) for _ in range(2)]
        names = zip(("first", "second"), leaves, strict=True)
        return [Call(name, (x,), {"flawed": name == "second"}, [x]) for name, x in names]

    with pytest.raises(pytest.fail.Exception) as failure:
        compiled_is_eager(Wrong(flaw), draw_two, torch.testing.assert_close, backend="aot_eager", dynamic=False)
    assert str(failure.value).startswith(said)
    assert "first: " not in str(failure.value).split("\n\nIn one graph")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_test_that_compiles_says_so(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if any("mark.compiles" in ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)):
        return
    for test in (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")):
        called = {ast.unparse(node.func) for node in ast.walk(test) if isinstance(node, ast.Call)}
        if any(name == "torch.compile" or name.startswith("compiled_is") for name in called):
            assert any("mark.compiles" in ast.unparse(decorator) for decorator in test.decorator_list), test.name
