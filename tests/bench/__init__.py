"""Benchmarks, run by `make bench`; they measure and assert nothing."""
