"""Exercises of the multi-label soft margin chapter."""
