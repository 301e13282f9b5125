"""Exercises of the chapters: `check` an answer, or ask `help_for` one. One catalogue file for each chapter."""

from ._judge import Exercise, check, exercise, help_for

__all__ = ["Exercise", "check", "exercise", "help_for"]
