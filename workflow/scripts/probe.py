"""Record the scores of a decoder over tokens without content."""

from prunescope.jobs import run

from prunescope.probing.decoders import Decoder
from prunescope.probing.probe import probe


def make(stores, decoder, contents, grid, draws, dtype, device):
    """decoder: name, path and whether it is trained; stores: one for each of the contents."""
    opened = Decoder(**decoder, dtype=dtype, device=device)
    probe(opened, dict(zip(contents, stores, strict=True)), tuple(grid), draws)


run(make, globals())
