"""Exercises of the softmax chapter."""
