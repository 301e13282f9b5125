"""Losses on sequences."""
