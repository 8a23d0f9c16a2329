"""The generated benchmark: scenes, questions about them, and the frozen evaluation sets."""
