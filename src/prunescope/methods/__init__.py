"""Pruning methods as data: an ordered tuple of stages with a name."""

from prunescope.methods.parsing import parse_methods, read_methods
from prunescope.methods.stages import Method, Scan, Stage, check, check_grid

__all__ = ["Method", "Scan", "Stage", "check", "check_grid", "parse_methods", "read_methods"]
