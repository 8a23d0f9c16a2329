"""Checks for authors of criteria and models, and the runner of reference results."""
