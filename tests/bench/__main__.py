"""Run all benchmarks and print what they measured."""

from tests.bench import checks, distributed, live, speed

speed.main([])
live.main()
checks.main()
distributed.main([])
