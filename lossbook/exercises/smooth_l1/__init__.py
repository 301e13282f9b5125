"""Exercises of the smooth L1 chapter."""
