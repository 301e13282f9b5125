"""Exercises of the chapter on writing a loss."""

TOPIC = "custom"
