"""Where the examples of benchmarks come from, and how they become what a task is asked."""
