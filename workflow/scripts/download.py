"""Fetch a model, or a part of one."""

from prunescope.jobs import run

from pathlib import Path

from prunescope.checkpoints.download import download


def make(marker, request):
    download(Path(marker).parent, **request)


run(make, globals())
