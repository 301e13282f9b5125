"""What a cell of a notebook calls: `check` judges an answer, shows the report and keeps the progress."""

import sys

from ._exercise import exercise
from ._judge import judge
from ._perform import Answer
from ._progress import keep, marked
from ._rendering import Shown


def check(name: str, answer: Answer) -> None:
    """Check an answer and show one line for each thing that was tried; a wrong answer raises nothing.

    Args:
        name: chapter and exercise, for instance ``"huber.gradient"``.
        answer: your function. A stub that still returns ``...`` is reported as not attempted.

    Raises:
        ValueError: there is no exercise of that name.
        TypeError: the name is not a text, or the answer cannot be called.

    Example:
        >>> from lossbook.exercises import check
        >>> check("huber.gradient", lambda error, delta: ...)
        huber.gradient: not attempted yet
    """
    if not isinstance(name, str) or not callable(answer):
        raise TypeError('check takes the name of an exercise and your function: check("huber.gradient", mine)')
    report = judge(exercise(name), answer)
    mark = marked(report.status)
    note = keep({name: mark}) if mark else ""
    shell = sys.modules["IPython"].get_ipython() if mark and "IPython" in sys.modules else None
    if shell:
        from IPython.display import display

        display(Shown(report))
    else:
        print(Shown(report))
    if note:
        print(note)
