"""The commands of the project; `make book` and `python tools/make.py book` are the same.

  book        build the book (makes .venv and installs the pinned requirements.txt first) and say where it is
  test        everything that CI runs, one step after the other:
    lint        ruff check, ruff format, codespell
    types       mypy --strict on the package
    unit        the package against its oracles and its docstrings; the form of the chapters; ONLY=huber for one loss
    kernels     the fused kernels once more, in Triton's interpreter; ONLY=huber likewise
    notebooks   run every chapter again and compare each stored output (nbval); ONLY=huber likewise
    book        from what the notebooks gave, not run a second time; a warning is an error
    site        the built pages in a headless browser, without a network
  stem        all of this that is about one loss or chapter, and its page, in a minute: make stem ONLY=huber
  chapters    run chapters and store their outputs; ONLY=huber for one
  bench       time and memory of every loss against torch, readable and fused, on the CPU; ONLY=huber for one
  gpu         the tests of the fused kernels on this machine's GPU, with the Python at hand: no .venv, no installs
  bench-gpu   time and memory of the fused kernels on it, likewise; ONLY="cross_entropy --save" for one, to keep
  offline     pack the built book into one zip, to read from the disk without a network
  setup       only make .venv and install
  clean       remove what the commands made, except .venv

The log of a step is _build/logs/STEP.log. This file needs nothing but the standard library (gpu and bench-gpu: torch).
"""

from __future__ import annotations

import difflib
import glob
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOGS = ROOT / "_build" / "logs"
SITE = ROOT / "_build" / "html"
SITES = {"book": SITE / "index.html", "page": ROOT / "_build" / "page" / "_build" / "html" / "index.html"}
ARCHIVE = ROOT / "_build" / "lossbook-offline"
EXECUTED = ROOT / "_build" / "executed"  # tools/keep_executed.py writes it
OLDEST = (3, 11)
BESIDE = ("_core", "exercises", "notebook")  # the folders of the package that hold no losses
Chain = list[tuple[str, list[str]]]  # steps that run one after the other, each with its commands

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

ONE = "pytest -ra --durations=15"
PYTEST = f"{ONE} -n {min(8, os.cpu_count() or 1)}"
NBVAL = "-p warm_kernels -p keep_executed --nbval --nbval-current-env --nbval-cell-timeout=120"
NBVAL += " --nbval-sanitize-with=tests/nbval.cfg"
BOOK = "jupyter-book build . -W -n --keep-going --all"
STEPS = {  # the commands of .venv, as one would type them in a shell
    "lint": ["ruff check .", "ruff format --check .", "codespell --skip=_build ."],
    "types": ["mypy"],
    "unit": [f"{PYTEST} --ignore=tests/book/test_site.py"],
    "kernels": [f"TRITON_INTERPRET=1 {PYTEST} tests/fused"],
    "notebooks": [f"{PYTEST} --dist=loadfile {NBVAL} book"],
    "book": [BOOK],
    "site": [f"{PYTEST} --dist=loadgroup tests/book/test_site.py"],
}
IN_TEST = {"book": [f"LOSSBOOK_EXECUTED=_build/executed {BOOK}"]}  # what is different there
OF_STEM = {  # what is different for one loss or chapter; {kernel} and the like are its files
    "unit": [f"{ONE} --stem={{stem}} --ignore=tests/book/test_site.py tests {{code}}"],
    "kernels": [f"TRITON_INTERPRET=1 {ONE} --stem={{stem}} tests/fused {{kernel}}"],
    "notebooks": [f"{ONE} {NBVAL} {{chapter}}"],
    "page": [f"LOSSBOOK_EXECUTED=_build/executed LOSSBOOK_PAGE={{chapter}} {BOOK} --path-output _build/page"],
}
ON_GPU = {  # of the Python that runs this file: what it must have, and what it runs
    # A machine's own CUDA and Triton may warn of this and that: a warning is no failure here.
    "gpu": ("torch triton pytest numpy mpmath", "-m pytest -ra -W default tests/fused tests/contract/test_values.py"),
    "bench-gpu": ("torch triton", "benchmarks/bench.py --form fused --device cuda"),
}


class StepError(Exception):
    """A step failed; the message says why in a few lines."""


def environment() -> dict[str, str]:
    """What every step runs under: the tools of .venv, one thread per process, plain text."""
    env = {name: value for name, value in os.environ.items() if name not in ("MPLBACKEND", "PYTHONPATH", "PYTHONHOME")}
    env["PATH"] = os.pathsep.join([str(PYTHON.parent), env.get("PATH", "")])
    env.update(VIRTUAL_ENV=str(VENV), OMP_NUM_THREADS="1", NO_COLOR="1", PYTHONUNBUFFERED="1", PYTHONUTF8="1")
    env["LOSSBOOK_QUIET"] = "1"  # no line of progress among the outputs that are stored or compared
    env.update(TORCHINDUCTOR_CACHE_DIR=str(ROOT / "_build" / "inductor"), COLUMNS="240")  # a failure with its reason
    return env


def words(command: str) -> list[str]:
    """Split a command as a shell does: a word with a star becomes the files that it stands for."""
    return [hit for w in command.split() for hit in (sorted(glob.glob(w, root_dir=ROOT)) if "*" in w else [w])]


def run(step: str, command: str, shown: str = "") -> list[str]:
    """Run a command of .venv, show its lines that match `shown` as they come, keep all in the log, and return them.

    As in a shell, NAME=value before the program sets a variable.
    """
    env, (program, *arguments) = environment(), words(command)
    while "=" in program:
        name, value = program.split("=", 1)
        env[name] = value
        program, *arguments = arguments
    lines = []
    LOGS.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [PYTHON.parent / program, *arguments], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    assert process.stdout
    with process, (LOGS / f"{step}.log").open("a", encoding="utf-8") as log:
        for raw in process.stdout:
            line = COLOUR.sub("", raw.rstrip()).replace(f"{ROOT}{os.sep}", "")
            lines.append(line)
            log.write(line + "\n")
            if re.search(shown, line):
                print(line, flush=True)
    if process.returncode:
        raise StepError("\n".join(reason(step, lines)))
    return lines


def reason(step: str, lines: list[str]) -> list[str]:
    """The lines of a failed step's output that say why."""
    if step == "book":
        said = [line for line in lines if re.search("WARNING: |ERROR: |CRITICAL: |[Ee]xception:|Error:", line)]
        said += map(broken_cell, sorted(SITE.rglob("*.err.log")))
    else:
        said = [cell_named(line) for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return said[-40:] or lines[-20:]


def broken_cell(report: Path) -> str:
    """Say which cell of which notebook stopped the book, from the traceback that MyST-NB wrote."""
    text = COLOUR.sub("", report.read_text(encoding="utf-8")).strip()
    page = report.relative_to(SITE / "reports").as_posix().removesuffix(".err.log")
    cells = json.loads((ROOT / f"{page}.ipynb").read_text(encoding="utf-8"))["cells"]
    source = re.search(r"^-{18}\n(.*?)\n-{18}$", text, re.DOTALL | re.MULTILINE)
    same = (n for n, cell in enumerate(cells) if source and "".join(cell["source"]).strip() == source[1].strip())
    number = next(same, None)
    where = "" if number is None else f", cell {number + 1} ({cells[number]['id']})"
    return f"{page}.ipynb{where}: {text.splitlines()[-1]}"


def cell_named(line: str) -> str:
    """Add the cell's id to nbval's `FAILED book/x.ipynb::Cell 3`, which counts code cells from 0."""
    found = re.match(r"FAILED (.+\.ipynb)::Cell (\d+)", line)
    if not found:
        return line
    cells = json.loads((ROOT / found[1]).read_text(encoding="utf-8"))["cells"]
    identifier = [cell.get("id") for cell in cells if cell["cell_type"] == "code"][int(found[2])]
    return f"{line} (cell id {identifier})"


def names() -> set[str]:
    """What ONLY may be: the stem of a loss or the name of a chapter."""
    losses = (path for path in (ROOT / "lossbook").glob("*/[!_]*.py") if path.parent.name not in BESIDE)
    paths = (*losses, *(ROOT / "tests" / "oracles").glob("[!_]*.py"), *(ROOT / "book").rglob("[!.]*.ipynb"))
    return {path.stem for path in paths if ".ipynb_checkpoints" not in path.parts}


def unknown(name: str) -> str:
    """Say that there is no such loss or chapter, and which one may be meant; "" where there is."""
    if name in names():
        return ""
    near = difflib.get_close_matches(name, sorted(names())) or sorted(n for n in names() if n in name or name in n)
    return "no loss and no chapter has this name" + (f"; did you mean {' or '.join(near)}?" if near else "")


def files(name: str) -> dict[str, str]:
    """The files of a loss or chapter by what they are."""
    code = sorted(ROOT.glob(f"lossbook/*/{name}.py"))
    kernel = [path for path in code if path.parent.name == "fused"]
    kinds = {"code": code, "kernel": kernel, "chapter": sorted((ROOT / "book").rglob(f"{name}.ipynb"))}
    return {kind: " ".join(path.relative_to(ROOT).as_posix() for path in paths) for kind, paths in kinds.items()}


def plan(command: str, *only: str) -> list[Chain]:
    """The steps of a command, each with what it runs, in chains that do not wait for each other."""
    if not only and command != "stem":
        wanted = list(STEPS) if command == "test" else [command]
        return [[(name, IN_TEST.get(name, STEPS[name]) if command == "test" else STEPS[name]) for name in wanted]]
    if command not in (*OF_STEM, "stem"):
        raise SystemExit(f"make {command} takes no ONLY")
    if len(only) != 1:
        raise SystemExit(f"make {command} takes one loss or chapter, as in ONLY=huber; got {' '.join(only) or 'none'}")
    (stem,) = only
    if hint := unknown(stem):
        raise SystemExit(f"make {command} ONLY={stem}: {hint}")
    chains = [["unit"], ["notebooks", "page"], ["kernels"], ["types", "lint"]] if command == "stem" else [[command]]
    planned = [[(name, commands) for name in chain if (commands := of_stem(stem, name))] for chain in chains]
    return [chain for chain in planned if chain]


def of_stem(stem: str, name: str) -> list[str]:
    """What a step runs for one loss or chapter; where that has not what it is about, say so and run nothing."""
    found, templates = files(stem), OF_STEM.get(name) or STEPS[name]
    for kind in ("kernel", "chapter"):
        if not found[kind] and f"{{{kind}}}" in templates[0]:
            print(f"== {name}: nothing to do, {stem} has no {kind}", flush=True)
            return []
    return [template.format(stem=stem, **found) for template in templates]


def setup() -> None:
    """Make .venv and install, unless the stamp says that it was done for these very requirements."""
    asked = b"".join((ROOT / name).read_bytes() for name in ("requirements.txt", "constraints.txt", "pyproject.toml"))
    wanted = hashlib.sha256(asked).hexdigest()
    stamp = VENV / "installed"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print("== setup: .venv with the versions of requirements.txt; the first time takes minutes", flush=True)
    (LOGS / "setup.log").unlink(missing_ok=True)
    if not PYTHON.is_file():
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
        if made.returncode:
            shutil.rmtree(VENV, ignore_errors=True)
            raise StepError(f"{made.stdout}{made.stderr}\nThis Python makes no environments (Debian: python3-venv).")
    pip = "python -m pip install --progress-bar=off --disable-pip-version-check"
    run("setup", f"{pip} -r requirements.txt -c constraints.txt", shown="^(Collecting|Installing|ERROR)")
    run("setup", f"{pip} --no-deps --editable .", shown="^(Successfully|ERROR)")
    # Matplotlib's first import lists the fonts and says so on stderr when that is slow: not in a chapter, please.
    run("setup", "python -m matplotlib.font_manager")
    stamp.write_text(wanted, encoding="utf-8")


def step(name: str, commands: list[str], quiet: bool) -> None:
    """Run one step, and show what it says unless it shall be quiet."""
    shown = "(?!)" if quiet else ""
    if not quiet:
        print(f"== {name}: {'; '.join(commands)}", flush=True)
    (LOGS / f"{name}.log").unlink(missing_ok=True)
    if name in SITES:
        shutil.rmtree(SITES[name].parent, ignore_errors=True)  # no page of a chapter that is gone
        shown = shown or r"\[ *\d+%\]|Executing|Executed|WARNING: |ERROR: |CRITICAL: "
    if name == "notebooks":
        shutil.rmtree(EXECUTED, ignore_errors=True)  # what is there afterwards is of this run
    for command in commands:
        run(name, command, shown)


def closing(name: str) -> str:
    """The last thing that a step said: of a test run, how many passed."""
    lines = (LOGS / f"{name}.log").read_text(encoding="utf-8").splitlines()
    return next((line.strip("= ") for line in reversed(lines) if line.strip("= ")), "")


def outcome(name: str, commands: list[str], quiet: bool) -> tuple[str, str]:
    """Run one step; return its line of the summary, and why it failed or ""."""
    start, why = time.monotonic(), ""
    try:
        step(name, commands, quiet)
    except StepError as error:
        why = f"{name} failed (whole log: _build/logs/{name}.log):\n{error}"
    said = closing(name)
    if name in SITES and not why:
        chapter = re.search(r"LOSSBOOK_PAGE=(\S+)\.ipynb", commands[0])
        said = (SITES[name].parent / f"{chapter[1]}.html" if chapter else SITES[name]).as_uri()
    line = f"  {name:<10} {'FAILED' if why else 'ok    '} {time.monotonic() - start:5.0f} s  {said}"
    if quiet:
        print(line, flush=True)
    return line, why


def steps(chains: list[Chain]) -> int:
    """Run the steps, all of them even when one fails, and sum them up; of several chains two at a time, in silence."""
    quiet = len(chains) > 1
    with ThreadPoolExecutor(2) as pool:
        ran = pool.map(lambda chain: [outcome(name, commands, quiet) for name, commands in chain], chains)
        outcomes = [each for chain in ran for each in chain]
    if len(outcomes) > 1:
        print("\n".join(["", "== summary", *(line for line, _ in outcomes)]))
    failures = [why for _, why in outcomes if why]
    for failure in failures:
        print("\n" + failure.replace("\n", "\n  "))
    return len(failures)


def on_gpu(name: str, *arguments: str) -> int:
    """Run a command on this machine's GPU, from a plain checkout and with what this Python has."""
    needed, command = ON_GPU[name]
    missing = [package for package in needed.split() if importlib.util.find_spec(package) is None]
    if missing:
        print(f"make {name}: {sys.executable} has no {', '.join(missing)}")
        return 1
    import torch

    if not torch.cuda.is_available():
        print(f"make {name}: torch {torch.__version__} sees no CUDA device here")
        return 1
    env = {variable: value for variable, value in os.environ.items() if variable != "TRITON_INTERPRET"}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), env.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run([sys.executable, *words(command), *arguments], cwd=ROOT, env=env, check=False).returncode


def offline() -> int:
    """Pack the built book."""
    if not SITES["book"].is_file():
        raise SystemExit("there is no built book to pack: run `make book` first")
    site = SITES["book"].parent
    where = Path(shutil.make_archive(str(ARCHIVE), "zip", site.parent, site.name))
    print(f"{where}: {where.stat().st_size / 1e6:.0f} MB; unpack it and open html/index.html")
    return 0


def clean() -> None:
    """Remove what the commands made, except .venv."""
    for name in (
        "_build",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".hypothesis",
        "build",
        "dist",
        "lossbook.egg-info",
    ):
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in ("lossbook", "tests", "tools", "benchmarks"):
        for cache in list((ROOT / folder).rglob("__pycache__")):
            shutil.rmtree(cache)


def main(name: str = "help", *arguments: str) -> int:
    """Carry out one command."""
    scripts = {"chapters": ["tools/chapters.py"], "bench": ["benchmarks/bench.py"]}
    if name == "clean":
        clean()
    elif name == "offline":
        return offline()
    elif name in ON_GPU:
        return on_gpu(name, *arguments)
    elif name in ("setup", "test", "stem") or name in STEPS or name in scripts:
        planned = [] if name == "setup" or name in scripts else plan(name, *arguments)
        setup()
        if name in scripts:
            env = environment()
            if name == "bench":
                del env["OMP_NUM_THREADS"]  # as many threads as torch takes for an importer
            ran = [subprocess.run([PYTHON, s, *arguments], cwd=ROOT, env=env, check=False) for s in scripts[name]]
            return max((each.returncode for each in ran), key=abs)
        if name != "setup":
            failed = steps(planned)
            if name == "book" and not failed:
                print(f"\nThe book is built. Open {SITES[name].as_uri()}")
            return min(failed, 1)
    else:
        print(__doc__)
        return name != "help"
    return 0


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit("lossbook needs Python 3.11 or newer, this is {}.{}: make {} PYTHON=python3.13".format(
            *sys.version_info[:2], " ".join(sys.argv[1:2])
        ))  # fmt: skip
    try:
        sys.exit(main(*sys.argv[1:]))
    except StepError as failure:
        sys.exit(f"setup failed (whole log: _build/logs/setup.log):\n{failure}")
    except KeyboardInterrupt:
        sys.exit("stopped")
