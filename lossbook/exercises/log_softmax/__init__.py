"""Exercises of the log_softmax chapter."""
