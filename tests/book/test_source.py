"""What a chapter shows of a function: the lines that compute, and folded all of it."""

import ast
import inspect
import re

import chapters
import pytest
import torch
import torch.nn.functional as F
from subjects import SUBJECTS

from lossbook._core import check
from lossbook.notebook import source

IN_CHAPTERS = {path.stem for path in chapters.chapters()}

FORMULA = r"\b(exp|log\w*|abs|softplus|tanh|where|gather|clamp\w*|norm|sum|relu)\b|\w [*/+-] \w|-\w"


@pytest.mark.parametrize("subject", [each for each in SUBJECTS if each.stem in IN_CHAPTERS], ids=str)
def test_the_formula_is_shown_and_its_checks_are_folded(subject):
    shown = source(subject.function)
    body = shown.formula.partition(":\n")[2]
    assert re.search(FORMULA, body), shown.formula
    assert not re.search(r"\bkept\(|\bcheck\w*[.(]|\braise\b", shown.formula)
    for name, parameter in inspect.signature(subject.function).parameters.items():
        assert parameter.default is not parameter.empty or name in shown.formula.partition("\n")[0]
    whole = inspect.getsource(inspect.unwrap(subject.function))
    assert whole.rstrip().splitlines()[-1] in shown.whole.splitlines()
    assert '"""' not in shown.whole.partition("\n\n\n")[0]


def test_what_computes_elsewhere_in_the_family_follows():
    from lossbook.functional import softmax

    assert "exponential / exponential.sum(dim, keepdim=True)" in repr(source(softmax))
    assert "amax(dim, keepdim=True)" in repr(source(softmax))


def test_a_notebook_gets_both():
    from lossbook.functional import huber_loss

    markdown = source(huber_loss)._repr_markdown_()
    assert markdown.count("```python") == 2
    assert "    error = input - target\n" in markdown.partition("<details>")[0]
    assert "paired(" in markdown.partition("<details>")[2]


def test_a_class_is_shown_whole_and_nothing_is_folded():
    from lossbook import HuberLoss

    assert repr(source(HuberLoss)).startswith("class HuberLoss(")
    assert "<details>" not in source(HuberLoss)._repr_markdown_()


def doubled(x):
    """Twice."""
    y = torch.relu(x) + x
    return F.softmax(y, 0)


def test_a_function_of_a_readers_own_is_shown_without_torchs_source():
    assert repr(source(doubled)) == "def doubled(x):\n    y = torch.relu(x) + x\n    return F.softmax(y, 0)"


@pytest.mark.parametrize("wrong", ["huber_loss", print, torch.relu, None])
def test_what_has_no_source_is_refused(wrong):
    with pytest.raises(TypeError, match="source shows a function or class that is written in Python; got"):
        source(wrong)


def running_sums(x, start=0.0):
    """Sums of the beginnings, one after the other."""
    if x.dim() != 1:
        raise ValueError("one row")
    length = len(x) + 0
    check.values("x", x, torch.isfinite, lambda: f"{length} finite numbers")

    def doubled(x):
        return x + x

    sums = []
    total = start * 2
    before = start * 0
    for each in x:
        total = total + each + before
        sums.append(total)
        before = each * 0
    return doubled(total) - x


def test_what_is_not_read_later_is_folded_and_a_loop_is_not():
    shown = repr(source(running_sums))
    assert "length" not in shown
    assert "    for each in x:\n        total = total + each + before\n        before = each * 0\n" in shown
    assert "    total = start * 2\n    before = start * 0\n" in shown
    assert "    def doubled(x):\n        return x + x\n" in shown


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_no_line_is_shown_whose_result_nothing_reads(subject):
    shown = source(subject.function).formula.replace(", ...):", "):")
    for definition in ast.parse(shown).body:
        names = [node for node in ast.walk(definition) if isinstance(node, ast.Name)]
        read = {name.id for name in names if isinstance(name.ctx, ast.Load)}
        for line in (node for node in ast.walk(definition) if isinstance(node, ast.Assign)):
            assert read & {
                name.id for target in line.targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }
