"""Exercises of the multi-label margin chapter."""
