"""Fetch a pretrained decoder and write it as a stock folder."""

from prunescope.jobs import run

from prunescope.checkpoints.pretrained import make_decoder


def make(model, decoder):
    make_decoder(model, decoder)


run(make, globals())
