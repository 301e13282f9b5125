"""Exercises of the tanh chapter."""
