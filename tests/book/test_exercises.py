"""Every exercise: right answers are accepted, wrong ones refused by the check meant for them, spoiled solutions too."""

import ast
import json
from pathlib import Path

import pytest
import torch
from sabotage import hostile, spoils

from lossbook.exercises import _judge, check, draw, exercise, exercise_table, help_for
from lossbook.exercises._exercise import KINDS, Exercise, chapters, keys
from lossbook.exercises._isolation import in_a_thread
from lossbook.exercises._judge import Paper, Trial, judge

ROOT = Path(__file__).resolve().parents[2]
NAMES = [f"{chapter}.{key}" for chapter in chapters() for key in keys(chapter)]
SOME = [f"{chapter}.{keys(chapter)[0]}" for chapter in chapters()[::4]]
each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch):
    """A machine that is busy with other tests is slow; that a loop is stopped is tried in test_judge.py."""
    monkeypatch.setattr(_judge, "SECONDS", 60.0)


@pytest.fixture
def tally(record_property):
    """Count what was tried, for the line at the end of a test run; the assertions come after it."""

    def count(kind, passed):
        record_property("exercises", [kind, sum(passed.values()), len(passed)])
        return [label for label, ok in passed.items() if not ok]

    return count


@each
def test_right_answers_are_accepted(name, tally):
    task = exercise(name)
    reports = {label: judge(task, answer) for label, answer in {"the solution": task.solved, **task.right}.items()}
    failed = tally("right accepted", {label: report.status == "right" for label, report in reports.items()})
    assert not failed, {label: reports[label].lines[-1] for label in failed}
    assert len(reports) >= 3


@each
def test_wrong_answers_are_refused_by_the_check_meant_for_them(name, tally):
    task = exercise(name)
    paper = Paper(task)
    cases = {case.label for case in paper.cases}
    passed = {}
    for label, answer in task.wrong.items():
        trial = Trial(answer, paper, in_a_thread)
        said = (answer.__doc__ or "").removeprefix("Refused by: ").rstrip(".")
        meant = said.split(" or ") if said else cases
        assert set(meant) <= set(trial.labels()), f"{label}: there is no check {said}"
        passed[label] = any(trial.first_failure(check) for check in meant)
    assert not tally("wrong refused", passed)
    assert len(passed) >= 4


@each
def test_spoiled_solutions_are_refused(name, tally):
    task = exercise(name)
    paper = Paper(task)
    assert judge(task, task.solved, paper, place=in_a_thread).status == "right"
    passed = {
        label: judge(task, spoiled, paper, shrink=False, place=in_a_thread).status == "wrong"
        for label, spoiled in spoils(task)
    }
    assert not tally("sabotage refused", passed)
    assert len(passed) >= (10 if task.kind == "predict" else 15)


@pytest.mark.parametrize("name", SOME)
def test_hostile_answers_are_refused(name, tally):
    task = exercise(name)
    before = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state()
    passed = {label: judge(task, answer, shrink=False).status == "wrong" for label, answer in hostile(task)}
    assert not tally("sabotage refused", passed)
    after = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_rng_state()
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])
    assert judge(task, task.solved).status == "right"


# --- the form --------------------------------------------------------------------------------------------------------


def chapter_cells(name):
    """The code of the chapter of an exercise, cell by cell."""
    (path,) = (ROOT / "book").rglob(f"{name.split('.')[0]}.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


@each
def test_the_stub_stands_in_the_chapter_and_is_not_attempted(name, capsys):
    task = exercise(name)
    cells = [cell for cell in chapter_cells(name) if f'check("{name}"' in cell]
    assert cells, "no cell of the chapter asks for it"
    stub = ast.parse(task.stub).body
    assert ast.dump(stub[0]) in [ast.dump(node) for node in ast.parse(cells[0]).body]
    scope = {}
    exec(task.stub, scope)
    check(name, scope[stub[0].name])
    assert capsys.readouterr().out == f"{name}: not attempted yet\n"


@each
def test_a_solution_runs_with_what_the_chapter_imports(name):
    task = exercise(name)
    scope = {}
    for cell in chapter_cells(name)[1:]:  # the first one installs lossbook where there is none
        for node in ast.parse(cell).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(ast.unparse(node), scope)
    exec(task.solution, scope)
    assert judge(task, scope[ast.parse(task.solution).body[0].name], place=in_a_thread).status == "right"


@each
def test_every_exercise_has_its_parts(name):
    task = exercise(name)
    assert task.nudge.endswith(("?", "."))
    assert task.sketch.endswith((".", "?"))
    assert task.why.endswith(".")
    assert task.title
    assert "def " not in task.nudge + task.sketch
    assert task.exact or task.checks
    shown = help_for(name)
    assert task.solution in shown.text
    assert shown._repr_html_().count("<details>") == 4


@each
def test_every_exercise_is_of_a_kind(name):
    task = exercise(name)
    assert task.said("KIND", "") in KINDS
    assert list(draw(name)) == task.cases()[0].names
    assert task.exact or task.kind not in ("predict", "derive")


def test_every_chapter_has_something_to_derive_to_build_and_to_repair():
    kinds = {chapter: {exercise(f"{chapter}.{key}").kind for key in keys(chapter)} for chapter in chapters()}
    assert kinds.pop("projects") == {"project"}
    lacking = {chapter: {"derive", "build", "repair"} - held for chapter, held in kinds.items()}
    assert not {chapter: lacks for chapter, lacks in lacking.items() if lacks}
    of_all = [exercise(name).kind for name in NAMES]
    assert of_all.count("predict") >= 12
    assert of_all.count("choose") >= 8
    assert of_all.count("project") >= 3


def test_what_is_right_is_forgotten(monkeypatch):
    monkeypatch.setattr(Exercise, "forget", lambda *_: None)  # this process still needs it
    paper = Paper(exercise("mse.constant"))
    assert paper.cases[0].hidden
    paper.forget(paper.task.solved)
    assert not paper.cases[0].hidden
    assert paper.reference.exact is None


def test_a_table_of_exercises():
    shown = exercise_table(kind="repair", level=1)
    assert (
        "[A script that learns the mean](regression/mse.ipynb#a-script-that-learns-the-mean)" in shown._repr_markdown_()
    )
    assert repr(shown).startswith("a table of exercises: ")
    assert exercise_table()._repr_markdown_().count("\n| ") == len(NAMES)
    with pytest.raises(ValueError, match=r"no kind 'mend' has exercises; those that have: .*repair"):
        exercise_table(kind="mend")
    with pytest.raises(ValueError, match="no exercise has that chapter and kind at once"):
        exercise_table(chapter="projects", kind="repair")


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"no chapter 'nope' has exercises; those that have: .*huber"):
        exercise("nope.gradient")
    with pytest.raises(ValueError, match=r"no exercise is called 'huber.nope'; this chapter has huber.gradient"):
        exercise("huber.nope")
    for asked in (exercise, help_for):
        with pytest.raises(TypeError, match=r'an exercise has a name, such as "huber\.gradient"; got int'):
            asked(3)
    with pytest.raises(TypeError, match="check takes the name of an exercise and your function"):
        check("huber.gradient", 3)


# --- published solutions meet their own lesson -----------------------------------------------------------------------

LESSONS = [
    ("first_own_loss.backward", (torch.ones(1).double(), torch.zeros(1).double(), torch.ones(1).double(), 0.1), -0.1),
    ("what_a_loss_is.message", (torch.tensor([1e-4]),), 5e-9),
    ("smooth_l1.log_cosh", (torch.tensor([1e-4]), 1.0), 5e-9),
    ("huber.pseudo", (torch.tensor([1e20]), 1.0), 1e20),
    ("tanh.log_slope", (torch.tensor([1e-5]),), -1e-10),
    ("first_own_loss.distance", (torch.tensor([[6e-26, 8e-26]]), torch.zeros(1, 2)), 1e-25),
    ("logits_and_overflow.log_sum_exp", (torch.tensor([[0.0, float("inf")]]), 1), float("inf")),
]


@pytest.mark.parametrize(("name", "args", "right"), LESSONS, ids=[name for name, _, _ in LESSONS])
def test_published_solutions_meet_their_own_lesson(name, args, right):
    found = exercise(name).solved(*args)
    assert found.item() == right or abs(found.item() / right - 1) < 4 * torch.finfo(found.dtype).eps
