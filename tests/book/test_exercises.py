"""The judge: it accepts every solution, refuses every wrong answer, and leaves an untouched stub alone."""

import pytest

from lossbook.exercises import check, exercise, help_for
from lossbook.exercises._judge import chapters, judge

EXERCISES = [
    (f"{chapter}.{key}", task)
    for chapter in chapters()
    for key, task in __import__(f"lossbook.exercises.{chapter}", fromlist=["EXERCISES"]).EXERCISES.items()
]
each = pytest.mark.parametrize(("name", "task"), EXERCISES, ids=[name for name, _ in EXERCISES])
WRONG = [(name, task, label) for name, task in EXERCISES for label in task.wrong]


def answer(source):
    scope = {}
    exec("import math\nimport torch\nimport torch.nn.functional as F\n" + source, scope)
    (name,) = [line.split("(")[0].removeprefix("def ") for line in source.splitlines() if line.startswith("def ")][-1:]
    return scope[name]


@each
def test_solution_is_accepted(name, task):
    for _ in range(5):
        lines = judge(task, answer(task.solution))
        assert len(lines) == len(task.checks)
        assert all(line.startswith("ok") for line in lines), lines


@pytest.mark.parametrize(("name", "task", "label"), WRONG, ids=[f"{name}: {label}" for name, _, label in WRONG])
def test_wrong_answer_is_refused(name, task, label):
    for _ in range(5):
        assert judge(task, answer(task.wrong[label]))[-1].startswith("WRONG")


@each
def test_stub_is_not_attempted(name, task, capsys):
    check(name, answer(task.stub))
    assert capsys.readouterr().out == f"{name}: not attempted yet\n"


@each
def test_every_exercise_has_its_parts(name, task):
    assert len(task.wrong) >= 2
    assert task.nudge.endswith(("?", "."))
    assert "def " not in task.nudge + task.sketch
    shown = help_for(name)
    assert task.solution.splitlines()[0] in shown.text
    assert shown._repr_html_().count("<details>") == 4


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"no chapter 'nope' has exercises; those that have: .*huber"):
        exercise("nope.gradient")
    with pytest.raises(ValueError, match=r"no exercise is called 'huber.nope'; this chapter has huber.gradient"):
        exercise("huber.nope")
