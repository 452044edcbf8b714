"""Run all benchmarks and print what they measured."""

from tests.bench import checks, dispatch, live, speed

speed.main([])
dispatch.main()
live.main()
checks.main()
