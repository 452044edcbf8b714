"""Run all benchmarks and print what they measured."""

from tests.bench import checks, live, speed

speed.main([])
live.main()
checks.main()
