"""Losses on distances and orders."""
