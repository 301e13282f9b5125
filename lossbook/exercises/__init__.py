"""Exercises of the chapters: `check` an answer, or ask `help_for` one. One file for each exercise, by chapter."""

from ._check import check
from ._exercise import Exercise, draw, exercise
from ._help import help_for
from ._index import exercise_table

__all__ = ["Exercise", "check", "draw", "exercise", "exercise_table", "help_for"]
