"""Exercises of the softplus chapter."""
