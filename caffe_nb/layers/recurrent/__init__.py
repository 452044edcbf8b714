"""Layers that carry a state from time step to time step."""
