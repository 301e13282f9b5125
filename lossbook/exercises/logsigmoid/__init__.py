"""Exercises of the log sigmoid chapter."""
