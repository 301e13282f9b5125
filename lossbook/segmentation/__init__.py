"""Losses for segmentation masks."""
