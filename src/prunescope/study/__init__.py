"""A study's file: models, tasks, methods, figures, and where results lie. No torch."""

from prunescope.study.study import Study

__all__ = ["Study"]
