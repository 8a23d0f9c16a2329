"""The command line: `prunescope COMMAND ...`."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prunescope.errors import InputError, known


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
        description="Write a checkpoint of TRI-ML/prismatic-vlms (SigLIP or DINOv2 + SigLIP, and "
        "Llama-2, as FEATHER uses) as a folder that AutoModelForImageTextToText and AutoProcessor "
        "load.",
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
        help="weights of the frozen SigLIP, which the checkpoint does not hold: a folder "
        "of google/siglip-so400m-patch14-384, or a safetensors file in timm's or OpenCLIP's names",
    )
    parser.add_argument(
        "--dino",
        type=Path,
        metavar="PATH",
        help="for a checkpoint with DINOv2, its weights: a folder of "
        "facebook/dinov2-with-registers-large, or a safetensors file in timm's names",
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
    from prunescope.checkpoints.prismatic import (
        convert,  # here, so that --help does not wait for torch
    )

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

    from prunescope.records import upkeep

    rows = upkeep.contents(store)
    print(pd.DataFrame(rows).to_string(index=False) if rows else f"{store}: no records")


def _verify_records(store: Path, action: str) -> None:
    from prunescope.records import upkeep

    counts = upkeep.verify(store)
    print(", ".join(f"{count} {state}" for state, count in counts.items()))
    if counts["damaged"]:
        raise InputError(f"{store}: what was damaged is set aside; the next evaluation redoes it")


def _prune_records(store: Path, keep: list[Path], delete: bool, action: str) -> None:
    from prunescope.evaluation.needed import unasked
    from prunescope.records import upkeep

    folders = unasked(store, keep)
    for folder in folders:
        print(folder)
    if delete:
        upkeep.remove(folders)
    done = "removed" if delete else "would be removed; --delete does it"
    print(f"{len(folders)} keys that no study asks for: {done}")


def _add_export(commands: Any) -> None:
    parser = commands.add_parser(
        "export",
        help="records as sample logs of lmms-eval, or as a Hugging Face data set",
        description="Write records in a shape that other tools read: OUT/MODEL/METHOD/"
        "samples_TASK.jsonl as `lmms-eval --log_samples` writes them, or a folder for "
        "`datasets.load_from_disk` with a split for each task.",
    )
    parser.add_argument("form", choices=["lmms-eval", "dataset"], metavar="lmms-eval|dataset")
    parser.add_argument(
        "records",
        type=Path,
        nargs="+",
        metavar="PARQUET",
        help="files of records, such as results/testbed/records/rope/*/*.parquet",
    )
    parser.add_argument("--out", type=Path, required=True, help="new or empty folder to write")
    parser.set_defaults(run=_export)


def _export(form: str, records: list[Path], out: Path) -> None:
    from prunescope.records.export import FORMATS

    for path in FORMATS[form](records, out):
        print(path)


def _add_match(commands: Any) -> None:
    parser = commands.add_parser(
        "match",
        help="the setting of a method at a wanted budget",
        description="Print a method, ready for a study's `methods`, with its knob where the mean "
        "number of visual tokens over the layers comes closest to a share of all of them, on the "
        "examples of stored scores.",
    )
    parser.add_argument("method", metavar="METHOD", help="a name from the library")
    parser.add_argument("scores", type=Path, nargs="+", metavar="ZARR", help="stored scores")
    parser.add_argument("--share", type=float, required=True, help="of all visual tokens, T / N")
    parser.add_argument("--knob", default="remove", help="remove (default), keep or stride")
    parser.add_argument(
        "--library",
        type=Path,
        default=Path("workflow/config/methods.yaml"),
        metavar="YAML",
        help="file of the methods (default: %(default)s)",
    )
    parser.set_defaults(run=_match)


def _match(method: str, scores: list[Path], share: float, knob: str, library: Path) -> None:
    import yaml

    from prunescope.budgets.calibration import Scores
    from prunescope.budgets.matching import match
    from prunescope.statistics.reading import read_scores

    methods = yaml.safe_load(library.read_text())
    stages = methods[known(method, methods, str(library))]
    calibration = Scores(read_scores(scores)).calibration()
    tokens = calibration.tokens
    found = match(method, stages, knob, share * tokens, calibration)
    print(f"# {found.mean_tokens / tokens:.4f} of {tokens} tokens, wanted {share:.4f}")
    print(yaml.safe_dump([{f"{method}-t{share:g}": found.stages}], sort_keys=False), end="")


def _add_plan(commands: Any) -> None:
    parser = commands.add_parser(
        "plan",
        help="what a study takes: examples, time, download, disk",
        description="Print what a study takes before it runs, with where each number is from, as "
        "`snakemake -n` does. Run it from the project's folder.",
    )
    parser.add_argument(
        "study", type=Path, metavar="CONFIG", help="such as workflow/config/paper.yaml"
    )
    parser.set_defaults(run=_plan)


def _plan(study: Path) -> None:
    from prunescope.study import config, plan

    print(plan.text(config.load(study), str(study)))


COMMANDS = (_add_convert_prismatic, _add_export, _add_match, _add_plan, _add_records)
