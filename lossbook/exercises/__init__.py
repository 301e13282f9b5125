"""Exercises of the chapters: `check` an answer, or ask `help_for` one. One file for each exercise, by chapter."""

from ._check import check
from ._exercise import Exercise, exercise
from ._help import help_for

__all__ = ["Exercise", "check", "exercise", "help_for"]
