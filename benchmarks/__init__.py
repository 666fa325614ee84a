"""How fast elman is: a table of items, the peers of each, one harness that times them side by side.

python -m benchmarks.run
"""
