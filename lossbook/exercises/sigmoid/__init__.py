"""Exercises of the sigmoid chapter."""
