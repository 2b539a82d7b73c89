"""How quick it is, and what it costs: ``python -m tests.bench`` prints the figures, ``pytest tests/bench`` holds the aims.

Not part of the normal test run: figures want a machine of their own.
"""
