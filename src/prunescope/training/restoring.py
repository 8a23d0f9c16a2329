"""Train on from weights that were written before, instead of from the beginning.

    python -m prunescope.training.restoring data/testbed/smol \\
        --decoder results/pretrained/smollm2-135m-instruct --out results/training/smol/ideal.pt

The file stands for the result of stage `ideal`: its tokens, and the reader as it was last.
"""

import argparse
from pathlib import Path

import pandas as pd
import torch
from safetensors.torch import load_file
from torch import nn

from prunescope.checkpoints.merging import UPDATES, WEIGHTS
from prunescope.training.optimisation import load_trained, trained
from prunescope.training.reading import Reader, ideal_stage
from prunescope.training.trained_parts import IDEAL

COURSE = "bias_course.csv"


def restore(stage: nn.ModuleDict, folder: Path) -> None:
    """Load ideal tokens and reader from a folder that `write_trained` wrote.

    InputError for a file that lacks one of the stage's parameters or holds others.
    """
    tokens, weights = load_file(folder / IDEAL), load_file(folder / WEIGHTS)
    state = {f"tokens.{name}": value for name, value in tokens.items()}
    for name, value in weights.items():
        if name.startswith(UPDATES):
            state[f"reader.decoder.{name.removeprefix(UPDATES)}"] = value
    state["reader.locations"] = weights["new_tokens"][1:]  # without IMAGE
    load_trained(stage, state)


def images_of(folder: Path) -> int:
    """Images that the decoder of a folder has seen in training, by its `bias_course.csv`."""
    return int(pd.read_csv(folder / COURSE)["images"].max())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trained", type=Path, help="folder of trained.safetensors")
    parser.add_argument("--decoder", type=Path, required=True, help="folder of the decoder")
    parser.add_argument("--rank", type=int, default=16, help="of the low-rank updates")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    stage = ideal_stage(Reader.of(arguments.decoder, arguments.rank))
    restore(stage, arguments.trained)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    state = {"module": trained(stage), "images": images_of(arguments.trained)}
    torch.save(state, arguments.out)


if __name__ == "__main__":
    main()
