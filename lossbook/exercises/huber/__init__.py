"""Exercises of the Huber chapter."""
