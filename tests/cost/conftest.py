"""A tiny model whose cost is computed and measured."""

import pytest

from helpers.testbed_model import save_model
from prunescope.checkpoints.checkpoint import Checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint("tiny", save_model(tmp_path))
