"""Commands that plan a study, solve for a budget, and convert results and models."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from prunescope.errors import InputError, known
from prunescope.methods import LIBRARY

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="The study's YAML file.")]


class Form(StrEnum):
    """Formats that records are exported to."""

    lmms_eval = "lmms-eval"
    dataset = "dataset"


def plan(config: ConfigFile) -> None:
    """Print what a study takes before it runs: examples, time, download and disk.

    Each number says where it comes from. Nothing is loaded or fetched. Run it in the project's
    folder.
    """
    from prunescope.study import Study
    from prunescope.study.plan import text

    typer.echo(text(Study.load(config)))


def match(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="A method of the library.")],
    scores: Annotated[list[Path], typer.Argument(metavar="ZARR", help="Stored attention scores.")],
    share: Annotated[
        float, typer.Option(help="Wanted mean share of the visual tokens, T/N, from 0 to 1.")
    ],
    knob: Annotated[
        str, typer.Option(help="Setting to solve for: remove, keep or stride.")
    ] = "remove",
    library: Annotated[
        Path,
        typer.Option(metavar="YAML", help="File of methods.", show_default="prunescope's library"),
    ] = LIBRARY,
) -> None:
    """Find the setting of a method that keeps a wanted share of the visual tokens.

    The share is the mean over the decoder layers, on the examples of the stored scores. Prints a
    method that can be pasted into a study's `methods`.
    """
    import yaml

    from prunescope.budgets.calibration import Scores
    from prunescope.budgets.matching import match as solve
    from prunescope.statistics.reading import read_scores
    from prunescope.study.yaml_files import read

    if not 0 < share <= 1:
        raise InputError(f"--share must lie in 0 to 1, got {share:g}")
    methods = read(library)
    stages = methods[known(method, methods, str(library))]
    calibration = Scores(read_scores(scores)).calibration()
    tokens = calibration.tokens
    solved = solve(method, stages, knob, share * tokens, calibration)
    typer.echo(f"# {solved.mean_tokens / tokens:.4f} of {tokens} tokens, wanted {share:.4f}")
    entry = [{f"{method}-t{share:g}": solved.stages}]
    typer.echo(yaml.safe_dump(entry, sort_keys=False), nl=False)


def export(
    form: Annotated[Form, typer.Argument(metavar="FORMAT", help="lmms-eval or dataset.")],
    records: Annotated[list[Path], typer.Argument(metavar="PARQUET", help="Files of records.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="New or empty folder to write.")],
) -> None:
    """Write records as sample logs of lmms-eval, or as a Hugging Face data set.

    [bold]lmms-eval[/bold]: OUT/MODEL/METHOD/samples_TASK.jsonl, as `lmms-eval --log_samples`
    writes them. [bold]dataset[/bold]: a folder for `datasets.load_from_disk`, with one split for
    each task.
    """
    from prunescope.records.export import FORMATS

    for path in FORMATS[form.value](records, out):
        typer.echo(path)


def convert_prismatic(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT",
            help="Run folder with config.json and checkpoints/latest-checkpoint.pt.",
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="New or empty folder to write.")],
    vision: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="Weights of the frozen SigLIP, which the checkpoint does not hold: a folder of "
            "google/siglip-so400m-patch14-384, or a safetensors file with the names of timm or "
            "OpenCLIP.",
        ),
    ],
    tokenizer: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER", help="Folder of the Llama-2 tokenizer, with tokenizer.json."
        ),
    ],
    dino: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Weights of DINOv2, for a checkpoint that has it: a folder of "
            "facebook/dinov2-with-registers-large, or a safetensors file with timm's names.",
        ),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            help="Number format of the weights: float32, bfloat16 or float16; by default the "
            "checkpoint's."
        ),
    ] = None,
) -> None:
    """Convert a Prismatic checkpoint into a folder that transformers loads.

    For checkpoints of TRI-ML/prismatic-vlms with SigLIP, or DINOv2 and SigLIP, and Llama-2, as the
    FEATHER paper uses. AutoModelForImageTextToText and AutoProcessor load the result.
    """
    from prunescope.checkpoints.prismatic import convert

    convert(checkpoint, out, vision=vision, tokenizer=tokenizer, dino=dino, dtype=dtype)
