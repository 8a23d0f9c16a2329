"""What a method costs: operations, memory and measured time."""
