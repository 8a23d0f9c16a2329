"""Answering the questions of a task with every method, and extracting scores."""
