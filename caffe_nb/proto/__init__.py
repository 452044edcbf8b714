"""Caffe's formats: nets and solvers as text, weights and snapshots as binary files."""
