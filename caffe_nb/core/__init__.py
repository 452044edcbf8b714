"""Blobs, layers and what they are made with; knows nothing of nets."""
