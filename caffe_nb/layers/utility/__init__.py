"""Layers that move, join, select and share blobs."""
