"""Fetch a model, or a part of one."""

from pathlib import Path

from prunescope.downloads import download
from prunescope.scripting import run


def make(marker, wanted):
    download(Path(marker).parent, **wanted)


run(make, globals())
