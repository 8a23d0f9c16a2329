"""Convert the parts of a Prismatic model."""

from pathlib import Path

from prunescope.jobs import run
from prunescope.checkpoints.download import convert_parts


def make(marker, wanted):
    convert_parts(Path(marker).parent, **wanted)


run(make, globals())
