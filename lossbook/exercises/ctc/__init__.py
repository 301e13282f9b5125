"""Exercises of the CTC chapter."""
