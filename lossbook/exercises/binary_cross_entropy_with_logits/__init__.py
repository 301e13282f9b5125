"""Exercises of the chapter on binary cross entropy with logits."""
