"""Exercises of the Gaussian NLL chapter."""
