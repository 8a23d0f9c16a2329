"""Rows of published benchmarks, and how they become the examples of a task."""
