"""Exercises of the hinge embedding chapter."""
