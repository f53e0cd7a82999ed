"""Benchmarks: one module a figure. `make bench NAME=mnist` runs one and keeps its result in results/mnist.json.

Each module's docstring is its protocol. A peer runs in an environment of its own, which the benchmark makes under
`.bench/` by `peers/NAME.txt`. What is measured runs in fresh processes, ours and the others' in the same run and with
the same number of threads. `python -m benchmarks.tables` turns the results into the tables of the documentation.
"""
