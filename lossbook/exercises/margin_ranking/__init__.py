"""Exercises of the margin ranking chapter."""
