"""Exercises of the soft margin chapter."""
