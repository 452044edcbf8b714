"""Run all benchmarks and print what they measured."""

from tests.bench import checks, live

live.main()
checks.main()
