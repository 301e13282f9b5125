"""On a slow machine the whole takes as long as on a fast one: of tests with many cases, a part of the cases is tried.

How slow the machine is, is measured once in a run, by a loop. `THOROUGH=1 make unit` tries everything, and so does
`make stem`. Which cases are tried depends on their names and on THINNING, a word: another one, other cases.
"""

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable

FAST = 0.014  # seconds for the loop on a machine that tries everything
FEWEST = 12  # cases of one test that are always tried
LEAST = 0.12  # of all cases, on however slow a machine
SHARE = "LOSSBOOK_SHARE"  # where the process that starts others tells them what it measured


def measure() -> float:
    """The share of the cases that this machine has time for, at most 1.

    On a machine half as fast a quarter: half of the time is left, and the tests that are never thinned take their part.
    """
    taken = []
    for _ in range(5):
        start = time.process_time()
        sum(number * number for number in range(200_000))
        taken.append(time.process_time() - start)
    return min(1.0, (FAST / min(taken)) ** 2)


def share() -> float:
    """What was measured, once for all processes of a run."""
    if os.environ.get("THOROUGH"):
        return 1.0
    if SHARE not in os.environ:
        os.environ[SHARE] = f"{max(measure(), LEAST):.2f}"
    return float(os.environ[SHARE])


def thinned(names: Iterable[str], part: float) -> set[str]:
    """Of tests named `file::test[case]`, those that are tried: all of a test with few cases, else a part of them."""
    cases = defaultdict(list)
    for name in names:
        cases[name.partition("[")[0]].append(name)
    word = os.environ.get("THINNING", "")
    chosen = set()
    for of_one in cases.values():
        kept = max(FEWEST, round(part * len(of_one)))
        chosen.update(sorted(of_one, key=lambda name: hashlib.sha256((word + name).encode()).digest())[:kept])
    return chosen
