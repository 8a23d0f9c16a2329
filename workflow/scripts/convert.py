"""Convert the parts of a Prismatic model."""

from prunescope.jobs import run

from pathlib import Path

from prunescope.checkpoints.conversion import convert_parts


def make(marker, wanted):
    convert_parts(Path(marker).parent, **wanted)


run(make, globals())
