"""Losses that ask for a lead of one score over another, not for probabilities."""
