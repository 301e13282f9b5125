"""One version, versions that stay, a wheel that is whole, and nothing published before the checks are green."""

import datetime
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import lock
import make
import pytest
import torch
import try_wheel
import yaml
from packaging.requirements import Requirement

import lossbook

ROOT = make.ROOT
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
JOBS = [(flow, name, job) for flow, workflow in WORKFLOWS.items() for name, job in workflow["jobs"].items()]
TRIGGERS = {flow: workflow[True] for flow, workflow in WORKFLOWS.items()}  # YAML reads `on` as a truth value


# --- one version ---------------------------------------------------------------------------------------------------


def test_the_citation_has_the_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"] == lossbook.__version__


def test_the_changelog_has_the_version_dated_below_what_is_unreleased():
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    version, date = headings[1].split(" - ")
    assert version == f"[{lossbook.__version__}]"
    datetime.date.fromisoformat(date)


def test_the_oldest_torch_that_is_allowed_is_tested():
    (torch,) = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    rows = WORKFLOWS["check"]["jobs"]["versions"]["strategy"]["matrix"]["include"]
    assert rows[0]["torch"] == torch.replace(">=", "==") + ".*"
    assert rows[-1]["torch"] == "torch"  # the newest


# --- versions that stay --------------------------------------------------------------------------------------------


LOCKED = [line for line in lock.LOCK.read_text("utf-8").splitlines() if not line.startswith("#")]


def test_the_lock_names_versions_and_nothing_else():
    for line in LOCKED:
        assert re.fullmatch(r'[\w.-]+==[\w.]+(; platform_system == "Linux")?', line), line
    names = [lock.same(line.split("==")[0]) for line in LOCKED]
    assert names == sorted(set(names))
    assert not [name for name in names if name.startswith(("nvidia-", "cuda-"))]


def test_every_pin_stands_in_the_lock():
    assert set(lock.pins().values()) <= set(LOCKED), "run tools/lock.py"


def brought_along(names):
    """What the packages of that name require, on Linux with Python 3.11, as far as they are installed here."""
    there = {"platform_system": "Linux", "sys_platform": "linux", "os_name": "posix", "platform_machine": "x86_64"}
    there |= {"python_version": "3.11", "python_full_version": "3.11.7", "implementation_name": "cpython"}
    todo, seen = [(name, "") for name in names], set()
    while todo:
        if (one := todo.pop()) in seen:
            continue
        seen.add(one)
        name, extra = one
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue
        for needed in map(Requirement, lines):
            if needed.marker is None or needed.marker.evaluate(there | {"extra": extra}):
                todo += [(lock.same(needed.name), which) for which in ("", *needed.extras)]
    return {name for name, _ in seen if not name.startswith(("nvidia-", "cuda-"))}


def test_everything_that_a_pin_brings_along_stands_in_the_lock():
    found = brought_along(lock.pins())
    assert "markupsafe" in found  # Sphinx brings Jinja, which brings it
    assert found <= {lock.same(line.split("==")[0]) for line in LOCKED}, "run tools/lock.py"


def test_the_lock_leaves_out_what_belongs_to_one_machine(monkeypatch):
    installed = {"torch": "2.13.0+cpu", "Some_Thing": "1.0", "nvidia-nccl-cu13": "2.30", "zipp": "4.1"}
    report = json.dumps({"install": [{"metadata": {"name": n, "version": v}} for n, v in installed.items()]})
    monkeypatch.setattr(lock.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, report))
    pinned = {"torch": "torch==2.13.0", "triton": 'triton==3.7.1; platform_system == "Linux"'}
    lines = lock.lock(lock.resolved(), pinned).splitlines()
    assert [line for line in lines if line[0] != "#"] == ["some-thing==1.0", *pinned.values(), "zipp==4.1"]


# --- a wheel that is whole -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built beside it."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "lossbook", folder / "lossbook", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, folder)
    build = "import setuptools.build_meta as backend; backend.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True)
    (built,) = (folder / "dist").iterdir()
    return built


@pytest.mark.skipif(sys.platform == "win32", reason="Colab runs on Linux")
def test_on_colab_each_notebook_gets_lossbook_from_the_wheel_and_nothing_else(wheel, tmp_path):
    """Torch and the others are there already, as links; the checkout is not."""
    there = tmp_path / "there"
    there.mkdir()
    for path in Path(torch.__file__).parents[1].iterdir():
        if "lossbook" not in path.name:
            (there / path.name).symlink_to(path)
    venv.create(tmp_path / "colab", symlinks=True)
    env = {
        name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "PIP", "VIRTUAL"))
    }
    env |= {"PYTHONPATH": str(there), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheel.parent), "MPLBACKEND": "agg"}
    notebooks = sorted(map(str, (ROOT / "book").rglob("[!.]*.ipynb")))
    command = [tmp_path / "colab/bin/python", "-P", ROOT / "tests/tools/colab.py", *notebooks]
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run(command, cwd=empty, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def spoiled(wheel, folder, change):
    """A copy of the wheel after ``change`` of its files, a dict of name to bytes."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(folder / wheel.name, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return folder / wheel.name


def test_the_wheel_is_the_package(wheel):
    assert wheel.name == f"lossbook-{lossbook.__version__}-py3-none-any.whl"
    assert try_wheel.contents(wheel) == []


@pytest.mark.parametrize("kind", ["py.typed", "notebook/*.css", "notebook/*.js", "exercises/[a-z]*", "fused/_*.py"])
def test_a_wheel_without_it_is_refused(wheel, kind, tmp_path):
    lost = sorted(path for path in (ROOT / "lossbook").glob(kind) if path.suffix != ".pyc")[0]
    lost = f"lossbook/{lost.relative_to(ROOT / 'lossbook').as_posix()}"

    def change(files):
        for name in [name for name in files if name == lost or name.startswith(lost + "/")]:
            del files[name]

    told = try_wheel.contents(spoiled(wheel, tmp_path, change))
    assert told
    assert all(line.startswith(f"lacks {lost}") for line in told)


INFO = f"lossbook-{lossbook.__version__}.dist-info"
SPOILED = {
    "has tests/oracles.py, which the package has not": lambda files: files.update({"tests/oracles.py": b""}),
    "has another lossbook/functional.py": lambda files: files.update({"lossbook/functional.py": b""}),
    "lacks LICENSE-TEXT": lambda files: files.pop(f"{INFO}/licenses/LICENSE-TEXT"),
    "does not carry README.md as its description": lambda files: edit(files, rb"\n\n(.|\n)*", b"\n\n"),
    "says that it is version 9": lambda files: edit(files, rb"\nVersion: .*", b"\nVersion: 9"),
}


def edit(files, pattern, new):
    files[f"{INFO}/METADATA"] = re.sub(pattern, new, files[f"{INFO}/METADATA"])


@pytest.mark.parametrize("said", SPOILED)
def test_a_wheel_with_something_else_is_refused(wheel, said, tmp_path):
    assert try_wheel.contents(spoiled(wheel, tmp_path, SPOILED[said])) == [said]


def test_a_wheel_of_another_version_is_refused(wheel, monkeypatch, capsys):
    monkeypatch.setattr(try_wheel, "version", lambda: "0.0.0")
    assert try_wheel.main([str(wheel)]) == 1
    assert "FAILED: the wheel no lossbook-0.0.0.dist-info" in capsys.readouterr().out


def test_a_checkout_is_not_taken_for_an_installed_package():
    with pytest.raises(AssertionError, match="lossbook comes from"):
        try_wheel.alone()


# --- nothing before the checks are green ---------------------------------------------------------------------------


def test_the_checks_run_every_step_of_make_test():
    commands = WORKFLOWS["check"]["jobs"]["pinned"]["strategy"]["matrix"]["commands"]
    assert sorted(" ".join(commands).split()) == sorted(make.STEPS)


def test_actions_are_pinned_and_say_their_version():
    pinned = re.compile(r"\./\.github/workflows/\w+\.yml|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    lines = [
        line for path in (ROOT / ".github/workflows").glob("*.yml") for line in path.read_text("utf-8").splitlines()
    ]
    used = [line.split("uses: ")[1] for line in lines if "uses:" in line]
    assert len(used) >= len(JOBS)
    assert [action for action in used if not pinned.fullmatch(action)] == []


@pytest.mark.parametrize("flow", WORKFLOWS)
def test_a_workflow_may_read_the_repository_and_nothing_else(flow):
    assert WORKFLOWS[flow]["permissions"] == {"contents": "read"}


@pytest.mark.parametrize(("flow", "name", "job"), JOBS, ids=[f"{flow}.{name}" for flow, name, _ in JOBS])
def test_who_may_publish_runs_no_code_of_ours_and_waits_for_every_check(flow, name, job):
    if "uses" in job:
        assert job["uses"] == "./.github/workflows/check.yml"
        return
    assert not [step for step in job["steps"] if "${{" in step.get("run", "")]  # what others write is no code
    if (flow, name) not in (("publish", "deploy"), ("release", "pypi")):
        assert "permissions" not in job
        return
    assert job["permissions"].pop("id-token") == "write"
    assert job["permissions"] == ({"pages": "write"} if flow == "publish" else {})
    assert job["environment"]
    others = WORKFLOWS[flow]["jobs"].keys() - {name}
    assert set([job["needs"]] if isinstance(job["needs"], str) else job["needs"]) == others
    assert "always" not in job.get("if", "")
    assert not [step for step in job["steps"] if "run" in step or "checkout" in step["uses"]]


def test_the_site_is_published_with_itself_as_a_zip_and_with_the_wheel(tmp_path):
    (tmp_path / "lossbook/html").mkdir(parents=True)
    (tmp_path / "lossbook/html/index.html").write_text("<h1>lossbook</h1>", "utf-8")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/lossbook-0-py3-none-any.whl").touch()
    if shutil.which("zip") is None:
        pytest.skip("there is no zip here; the runner has one")
    (code,) = (step["run"] for step in WORKFLOWS["publish"]["jobs"]["pack"]["steps"] if "run" in step)
    subprocess.run(["bash", "-ec", code], cwd=tmp_path, check=True)
    download = tmp_path / "lossbook/html/download"
    assert sorted(path.name for path in download.iterdir()) == [
        "lossbook-0-py3-none-any.whl",
        "lossbook-offline.zip",
    ]
    assert zipfile.ZipFile(download / "lossbook-offline.zip").read("lossbook/html/index.html") == b"<h1>lossbook</h1>"


def test_each_event_runs_the_checks_once():
    assert set(TRIGGERS["check"]) == {"pull_request", "schedule", "workflow_call"}
    assert set(TRIGGERS["publish"]) == {"push", "workflow_dispatch"}
    assert TRIGGERS["publish"]["push"] == {"branches": ["main"]}
    assert TRIGGERS["release"] == {"push": {"tags": ["v*"]}}
