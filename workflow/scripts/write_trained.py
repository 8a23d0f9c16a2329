"""Write what was trained of `smol`, without the pretrained decoder."""

from prunescope.jobs import run

import shutil
from pathlib import Path

from prunescope.training.optimisation import load_parameters, load_stage
from prunescope.training.patch_tower import PatchTower
from prunescope.training.reading import Reader, Sight, ideal_stage, projector_of
from prunescope.training.trained_parts import decoder_digest, write_trained


def make(decoder, tower, ideal, projector, reading, grid, rank, trained, place):
    stage = ideal_stage(Reader.of(decoder, rank))
    load_parameters(stage, ideal)
    tokens, reader = stage["tokens"].refined(grid), stage["reader"]
    sight = Sight(
        load_stage(PatchTower(grid), tower).tower, load_stage(projector_of(reader), projector)
    )
    load_parameters(reader, reading)
    write_trained(Path(trained), sight, tokens, reader, decoder_digest(decoder))
    shutil.copytree(trained, place, dirs_exist_ok=True)


run(make, globals())
