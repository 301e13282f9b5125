"""Exercises of the chapter on the options of cross entropy."""

TOPIC = "classification"
