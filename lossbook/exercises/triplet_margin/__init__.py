"""Exercises of the triplet margin chapter."""
