"""What a learner has done, wherever an answer was checked, and the report that was shown."""

import os
import sys
from pathlib import Path

import pytest

from lossbook.exercises import _progress, _rendering, check, exercise
from lossbook.exercises._judge import Check, Report
from lossbook.exercises._progress import Mark


def test_progress_is_carried_and_the_better_is_kept(tmp_path, lossbook, progress):
    _progress.write({"a.b": Mark("tried", 2), "c.d": Mark("done"), "e.f": Mark("tried")}, tmp_path / "theirs.json")
    _progress.write({"a.b": Mark("done"), "c.d": Mark("tried", 1)}, progress)
    assert "3 exercises changed" in lossbook("import", tmp_path / "theirs.json")
    after = {"a.b": Mark("done", 2), "c.d": Mark("done", 1), "e.f": Mark("tried")}
    assert _progress.read(progress) == after
    assert "0 exercises changed" in lossbook("import", tmp_path / "theirs.json")
    lossbook("export", tmp_path / "a copy.json")
    assert _progress.read(tmp_path / "a copy.json") == after
    lossbook("export", tmp_path / "a copy.json")


BROKEN = [
    "",
    "{",
    "[]",
    "null",
    '{"version": 1}',
    '{"version": "1", "exercises": {}}',
    '{"version": 1, "exercises": []}',
    '{"version": 1, "exercises": {"a.b": {"state": "perfect"}}}',
    '{"version": 1, "exercises": {"a.b": 3}}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_kept_aside(text, lossbook, progress):
    progress.parent.mkdir()
    for aside in ("progress.broken.json", "progress.broken2.json"):
        progress.write_text(text)
        told = lossbook("hint", "huber.weight")
        assert f"holds no progress of lossbook: it was kept as {aside}" in told
        assert progress.with_name(aside).read_text() == text
        assert _progress.read(progress) == {"huber.weight": Mark(hints=1)}


def test_the_file_of_a_newer_version_stays(lossbook, progress, capsys):
    progress.parent.mkdir()
    progress.write_text('{"version": 2, "exercises": {}}')
    assert "is of version 2, and this lossbook reads version 1: update it" in lossbook("status", code=2)
    check("huber.gradient", exercise("huber.gradient").solved)
    assert "progress is not kept" in capsys.readouterr().out
    assert progress.read_text() == '{"version": 2, "exercises": {}}'


@pytest.mark.parametrize("there", [os.devnull, "."])
def test_what_is_no_file_stays(there, lossbook, monkeypatch):
    monkeypatch.setenv("LOSSBOOK_PROGRESS", there)
    assert "is not a file" in lossbook("status", code=2)
    assert "progress is not kept: " in _progress.keep({"a.b": Mark("done")})
    assert Path(there).exists()
    assert not Path(there).is_file()


def test_writing_is_all_or_nothing(progress, monkeypatch):
    _progress.write({"a.b": Mark("done")}, progress)

    def half(held, file, **_):
        file.write("{")
        raise OSError("disk full")

    monkeypatch.setattr(_progress.json, "dump", half)
    with pytest.raises(OSError, match="disk full"):
        _progress.write({}, progress)
    assert _progress.read(progress) == {"a.b": Mark("done")}
    assert list(progress.parent.iterdir()) == [progress]
    assert _progress.keep({"c.d": Mark("done")}) == "progress is not kept: disk full"


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [("win32", "LOCALAPPDATA", ""), ("linux", "XDG_DATA_HOME", ""), ("darwin", "HOME", "Library/Application Support")],
)
def test_where_progress_is_kept(platform, variable, folder, tmp_path, monkeypatch):
    monkeypatch.delenv("LOSSBOOK_PROGRESS")
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setattr(_progress, "sys", type("sys", (), {"platform": platform}))
    assert _progress.progress_file() == tmp_path / folder / "lossbook" / "progress.json"


# --- a notebook's check ----------------------------------------------------------------------------------------------


def test_the_notebooks_check_keeps_progress_too(progress, capsys):
    task = exercise("huber.gradient")
    check(task.name, lambda error, delta: ...)
    assert capsys.readouterr().out == "huber.gradient: not attempted yet\n"
    assert not progress.exists()
    check(task.name, task.solved)
    assert capsys.readouterr().out.startswith("huber.gradient: ok     rules\nhuber.gradient: ok ")
    check(task.name, lambda error, delta: error)
    assert "\nhuber.gradient: WRONG  " in capsys.readouterr().out
    assert _progress.read(progress) == {"huber.gradient": Mark("done")}


def test_in_a_notebook_a_report_is_a_table(monkeypatch, capsys):
    display = pytest.importorskip("IPython.display")
    shown = []
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: object())
    monkeypatch.setattr(display, "display", shown.append)
    check("huber.gradient", lambda error, delta: ...)
    check("huber.gradient", lambda error, delta: error)
    assert capsys.readouterr().out == "huber.gradient: not attempted yet\n"
    (table,) = shown
    assert table._repr_html_().count("<tr>") == len(repr(table).splitlines())


REPORT = Report("huber.gradient", [Check("value", True), Check("shapes", False, "a < b " * 30)], printed="<b>")


def test_a_report_reads_well_as_text():
    lines = _rendering.as_text(REPORT, "The gradient", width=60).splitlines()
    assert lines[0] == "huber.gradient: wrong  (The gradient)"
    assert lines[1] == "  ok     value"
    assert lines[2].startswith("  WRONG  shapes  a < b a < b")
    assert all(len(line) <= 60 for line in lines)
    assert all(line.startswith(" " * lines[2].index("a <")) for line in lines[3:-1])
    assert lines[-1].strip() == "your function printed: <b>"
    assert "<b>" not in _rendering.Shown(REPORT)._repr_html_()


def test_colour_is_for_terminals_that_want_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("WT_SESSION", "1")
    assert "\033" not in _rendering.as_text(REPORT)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "\033[31mwrong\033[0m" in _rendering.as_text(REPORT)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in _rendering.as_text(REPORT)
