"""Exercises of the linear cross entropy chapter."""
