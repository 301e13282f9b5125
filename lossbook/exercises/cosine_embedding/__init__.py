"""Exercises of the cosine embedding chapter."""
