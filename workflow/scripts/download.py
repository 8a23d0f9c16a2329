"""Fetch a model, or a part of one."""

from prunescope.jobs import run

from pathlib import Path

from prunescope.checkpoints.download import download


def make(marker, wanted):
    download(Path(marker).parent, **wanted)


run(make, globals())
