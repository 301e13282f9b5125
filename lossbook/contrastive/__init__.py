"""Losses on pairs, in which every other pair of the batch is a negative."""
