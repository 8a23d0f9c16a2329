"""What is asked: task cards, their examples and prompts. No torch."""
