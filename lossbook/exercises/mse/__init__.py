"""Exercises of the chapter on mean squared error."""
