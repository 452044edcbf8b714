"""Array kernels: arrays in, arrays out; they know nothing of blobs and layers."""
