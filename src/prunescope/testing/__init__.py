"""Checks for authors of criteria and of model families, and a runner of reference results."""
