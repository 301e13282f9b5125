"""Renew constraints.txt: a version for everything that the pins of the requirements files bring along.

    python tools/lock.py

`pip install -r requirements.txt -c constraints.txt` then installs the same today and in a year: `make book` stops at a
warning, and a new release of something that nobody here chose must not be one. The file keeps versions only, no
address, no hash and no build of torch for one machine: each system takes its own wheels. What CUDA builds of torch
bring (nvidia-*, cuda-*) is pinned by torch itself and left out, so that a CPU build needs none of it.

It is made on Linux with Python 3.11, the oldest that pyproject.toml allows; elsewhere it restricts what it names and
leaves the rest free. This file needs nothing but pip.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ASKED = ("requirements.txt", "requirements-release.txt")
LOCK = ROOT / "constraints.txt"
HEAD = """\
# Made by tools/lock.py from requirements.txt and requirements-release.txt, for Python 3.11 on Linux: edit those, run it
# again, and `make test`.
"""


def pins() -> dict[str, str]:
    """The lines of the requirements files that pin a version, by name as pip compares names."""
    lines = [line.strip() for name in ASKED for line in (ROOT / name).read_text("utf-8").splitlines()]
    return {same(line.split("==")[0]): line for line in lines if line and not line.startswith("#")}


def same(name: str) -> str:
    """One spelling for all the spellings of a package's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolved() -> dict[str, str]:
    """What pip would install into an empty environment: name to version."""
    files = [f"--requirement={ROOT / name}" for name in ASKED]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--dry-run"]
    told = subprocess.run([*pip, "--ignore-installed", "--report=-", *files], stdout=subprocess.PIPE, check=True).stdout
    found = [item["metadata"] for item in json.loads(told)["install"]]
    return {same(each["name"]): each["version"].split("+")[0] for each in found}


def lock(versions: dict[str, str], pinned: dict[str, str]) -> str:
    """The text of constraints.txt: a pin as it stands in its file, anything else as name and version."""
    lines = {name: f"{name}=={versions[name]}" for name in versions if not name.startswith(("nvidia-", "cuda-"))}
    lines |= pinned
    return HEAD + "".join(f"{lines[name]}\n" for name in sorted(lines))


if __name__ == "__main__":
    if (platform.system(), sys.version_info[:2]) != ("Linux", (3, 11)):
        sys.exit("constraints.txt is made by Python 3.11 on Linux, so that one machine does not undo another's")
    LOCK.write_text(lock(resolved(), pins()), encoding="utf-8", newline="\n")
    print(f"{LOCK.name}: {len(LOCK.read_text('utf-8').splitlines()) - len(HEAD.splitlines())} versions")
