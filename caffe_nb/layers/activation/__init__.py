"""Layers that work on each value by itself, or on each class vector."""
