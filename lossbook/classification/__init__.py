"""Losses for classes."""
