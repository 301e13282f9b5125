"""Exercises of the chapter on logits, probabilities and numbers that overflow."""

TOPIC = "foundations"
