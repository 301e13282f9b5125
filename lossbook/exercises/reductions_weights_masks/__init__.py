"""Exercises of the chapter on reductions, weights and masks."""

TOPIC = "foundations"
