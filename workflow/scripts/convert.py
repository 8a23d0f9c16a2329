"""Convert the parts of a Prismatic model."""

from prunescope.jobs import run

from pathlib import Path

from prunescope.checkpoints.conversion import convert_parts


def make(marker, request):
    convert_parts(Path(marker).parent, **request)


run(make, globals())
