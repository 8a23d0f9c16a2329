"""Write what was trained of `smol`, without the pretrained decoder."""

from prunescope.jobs import run

import shutil
from pathlib import Path

from prunescope.training.optimisation import load_stage
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, projector_of
from prunescope.training.trained_parts import decoder_digest, write_trained


def make(decoder, tower, projector, reading, grid, rank, trained, place):
    reader = Reader.of(decoder, rank)
    parts = (
        load_stage(PatchTower(grid), tower).tower,
        load_stage(projector_of(reader), projector),
        load_stage(reader, reading),
    )
    write_trained(Path(trained), *parts, decoder_digest(decoder))
    shutil.copytree(trained, place, dirs_exist_ok=True)


run(make, globals())
