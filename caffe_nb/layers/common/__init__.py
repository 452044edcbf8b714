"""Layers that combine all of their inputs."""
