"""Figures from stored estimates: look, charts, recipes and example pictures. No statistics."""
