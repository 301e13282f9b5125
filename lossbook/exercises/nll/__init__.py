"""Exercises of the NLL chapter."""
