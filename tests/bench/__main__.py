"""Run all benchmarks and print what they measured."""

from tests.bench import live

live.main()
