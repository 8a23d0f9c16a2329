"""The command line: `prunescope COMMAND ...`."""

from prunescope.cli.app import main

__all__ = ["main"]
