"""Exercises of the cross entropy chapter."""
