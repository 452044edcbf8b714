"""Layers that normalize, and the scales and biases that go with them."""
