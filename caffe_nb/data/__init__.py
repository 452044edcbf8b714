"""Where batches come from: files and databases, read as arrays; knows nothing of blobs and layers."""
