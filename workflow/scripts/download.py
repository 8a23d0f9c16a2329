"""Fetch a model, or a part of one."""

from pathlib import Path

from prunescope.scripting import run
from prunescope.downloads import download


def make(marker, wanted):
    download(Path(marker).parent, **wanted)


run(make, globals())
