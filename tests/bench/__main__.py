"""Run all benchmarks and print what they measured."""

from tests.bench import checks, dispatch, distributed, live, speed, start

speed.main([])
dispatch.main()
start.main()
live.main()
checks.main()
distributed.main([])
