"""Exercises of the L1 chapter."""
