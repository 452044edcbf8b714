"""Layers without bottoms: where a net's data comes from; and HDF5Output, where it goes."""
