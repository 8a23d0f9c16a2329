"""The cost of a method: operations and memory as they follow from it, and time as measured."""
