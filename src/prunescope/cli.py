"""The command line: `prunescope COMMAND ...`."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prunescope.errors import InputError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command: 0 if it went well, 2 for wrong input. Progress and errors go to stderr."""
    given = vars(_parser().parse_args(arguments))
    command, run = given.pop("command"), given.pop("run")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("prunescope").setLevel(logging.INFO)
    try:
        run(**given)
    except InputError as error:
        print(f"prunescope {command}: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="prunescope", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in COMMANDS:
        add(commands)
    return parser


def _add_convert_prismatic(commands: Any) -> None:
    parser = commands.add_parser(
        "convert-prismatic",
        help="a Prismatic checkpoint to a LLaVA folder of transformers",
        description="Write a checkpoint of TRI-ML/prismatic-vlms (SigLIP and Llama-2, as FEATHER "
        "uses) as a folder that AutoModelForImageTextToText and AutoProcessor load.",
    )
    parser.add_argument(
        "checkpoint",
        type=Path,
        metavar="CHECKPOINT",
        help="run folder with config.json and checkpoints/latest-checkpoint.pt",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="new or empty folder to write")
    parser.add_argument(
        "--vision",
        type=Path,
        required=True,
        metavar="PATH",
        help="weights of the frozen vision tower, which the checkpoint does not hold: a folder "
        "of google/siglip-so400m-patch14-384, or a safetensors file in timm's or OpenCLIP's names",
    )
    parser.add_argument(
        "--tokenizer",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="folder of the Llama-2 tokenizer, with tokenizer.json",
    )
    parser.add_argument(
        "--dtype", help="float32, bfloat16 or float16 for the weights; default: the checkpoint's"
    )
    parser.set_defaults(run=_convert_prismatic)


def _convert_prismatic(**arguments: Any) -> None:
    from prunescope.prismatic import convert  # here, so that --help does not wait for torch

    convert(**arguments)


COMMANDS = (_add_convert_prismatic,)
