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


def _add_records(commands: Any) -> None:
    parser = commands.add_parser(
        "records",
        help="look after a store of records",
        description="Show what a store of records holds, check it, or remove what no study needs.",
    )
    parser.add_argument("store", type=Path, metavar="STORE", help="folder, such as results/store")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what is there, by model, task and method")
    listing.set_defaults(run=_list_records)
    verify = actions.add_parser("verify", help="check every part against its checksum")
    verify.set_defaults(run=_verify_records)
    prune = actions.add_parser(
        "prune", help="remove records that no study asks for, such as those of older code"
    )
    prune.add_argument(
        "--keep",
        type=Path,
        nargs="+",
        required=True,
        metavar="CONFIG",
        help="configurations of the studies whose records stay, such as "
        "workflow/config/testbed.yaml; run from the project's folder",
    )
    prune.add_argument("--delete", action="store_true", help="do it, rather than say what it does")
    prune.set_defaults(run=_prune_records)


def _list_records(store: Path, action: str) -> None:
    import pandas as pd

    from prunescope import records

    rows = records.contents(store)
    print(pd.DataFrame(rows).to_string(index=False) if rows else f"{store}: no records")


def _verify_records(store: Path, action: str) -> None:
    from prunescope import records

    counts = records.verify(store)
    print(", ".join(f"{count} {state}" for state, count in counts.items()))
    if counts["damaged"]:
        raise InputError(f"{store}: what was damaged is set aside; the next evaluation redoes it")


def _prune_records(store: Path, keep: list[Path], delete: bool, action: str) -> None:
    from prunescope import records

    folders = records.unasked(store, keep)
    for folder in folders:
        print(folder)
    if delete:
        records.remove(folders)
    done = "removed" if delete else "would be removed; --delete does it"
    print(f"{len(folders)} keys that no study asks for: {done}")


COMMANDS = (_add_convert_prismatic, _add_records)
