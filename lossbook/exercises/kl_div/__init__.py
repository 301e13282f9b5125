"""Exercises of the KL divergence chapter."""
