"""Losses for real-valued targets."""
