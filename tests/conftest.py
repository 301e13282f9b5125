"""Where the tests of the kernels run (a GPU, Triton's interpreter, or nowhere), and the tests of one stem."""

import collections
import contextlib
import os
from pathlib import Path
from typing import Any

with contextlib.suppress(ImportError):
    import triton  # noqa: F401  so that lossbook.fused defines its kernels, to be compiled without a GPU

import make
import pytest
import torch
from subjects import Subject
from thinning import share, thinned

NAMES = make.names()
ABOUT = ("subject", "function", "name", "loss", "activation", "path")  # parameters that say what a test is about


@pytest.fixture
def device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


@pytest.fixture(scope="session", autouse=True)
def _progress(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the tests answer out of the progress of whoever runs them."""
    os.environ["LOSSBOOK_PROGRESS"] = str(tmp_path_factory.mktemp("progress") / "progress.json")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stem", help="keep what is about this loss or chapter: make unit ONLY=huber")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not torch.cuda.is_available():
        for item in items:
            if item.get_closest_marker("cuda"):
                item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))
    if stem := config.getoption("--stem"):
        if hint := make.unknown(stem):
            raise pytest.UsageError(f"--stem={stem}: {hint}")
        kept = [item for item in items if is_about(item, stem)]
    elif share() < 1 and not picked(config):
        chosen = thinned([item.nodeid for item in items if is_thinned(item)], share())
        kept = [item for item in items if not is_thinned(item) or item.nodeid in chosen]
    else:
        return
    config.hook.pytest_deselected(items=list(set(items) - set(kept)))
    items[:] = kept


def pytest_configure() -> None:
    share()  # before other processes are started, which take what this one measured


def picked(config: pytest.Config) -> bool:
    """Say whether somebody asked for these very tests, by a word or a file."""
    files = [argument for argument in config.invocation_params.args if ".py" in argument and argument[0] != "-"]
    return bool(config.getoption("keyword") or files)


def is_thinned(item: pytest.Item) -> bool:
    """Say whether a test is a case among others; of chapters and pages every one is looked at."""
    return hasattr(item, "callspec") and item.path.stem not in ("test_chapters", "test_rules", "test_site")


def is_about(item: pytest.Item, stem: str) -> bool:
    """Say whether a test is about a stem: by what it is given, else by the file in which it stands."""
    given = item.callspec.params if hasattr(item, "callspec") else {}
    named = {name for parameter in ABOUT if parameter in given for name in stems_of(given[parameter])}
    return stem in named if named else item.path.stem.removeprefix("test_") == stem


def stems_of(value: Any) -> set[str]:
    """The loss or chapter that a parameter stands for: it, its function, the name of that, a file or an exercise."""
    if isinstance(value, Subject | Path):
        name = value.stem
    elif isinstance(value, str):
        name = value.split(".")[0]
    else:
        name = getattr(value, "__module__", "").split(".")[-1]
    return {name, name.removesuffix("_loss")} & NAMES


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Sum up, over all processes, what was tried on the judge and on the arguments of losses, and what was not."""
    if share() < 1 and not picked(terminalreporter.config):
        terminalreporter.write_line(f"thinned: this machine is slow, of many cases {100 * share():.0f} % were tried")
    say_of_exercises(terminalreporter)
    say_of_mutations(terminalreporter)


def say_of_exercises(terminalreporter: Any) -> None:
    """One line about the judge of the exercises: how many answers it was given, and how many it judged rightly."""
    counted: dict[str, list[int]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "exercises" and report.when == "call":
                    kind, right, tried = value
                    known = counted.setdefault(kind, [0, 0])
                    counted[kind] = [known[0] + right, known[1] + tried]
    if counted:
        kinds = ", ".join(f"{kind} {right} of {tried}" for kind, (right, tried) in counted.items())
        terminalreporter.write_line(f"exercises: {kinds}")


def say_of_mutations(terminalreporter: Any) -> None:
    """Sum up the mutated calls, those of all processes, in a line."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    made = [dict(report.user_properties) for report in reports if getattr(report, "when", "") == "call"]
    counts = collections.Counter()
    for properties in made:
        counts.update(properties.get("mutations", {}))
    if counts:
        functions = counts.pop("functions", 0)
        said = ", ".join(f"{counts[what]} {what}" for what in ("refused by name", "same", "right", "bad"))
        terminalreporter.write_line(f"mutations: {counts.total()} calls of {functions} functions: {said}")
