"""The cost of a method: computed operations and memory, and measured time."""
