"""Exercises of the Poisson NLL chapter."""
