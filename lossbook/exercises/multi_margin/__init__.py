"""Exercises of the multi-class margin chapter."""
