"""Losses of a student's logits against a teacher's."""
