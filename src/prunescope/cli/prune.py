"""`prunescope prune`: one image and one question, with and without pruning."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from prunescope.errors import InputError
from prunescope.method_names import BASELINE

if TYPE_CHECKING:
    from PIL.Image import Image


class Dtype(StrEnum):
    """Number formats that a model can run in."""

    float32 = "float32"
    bfloat16 = "bfloat16"
    float16 = "float16"


def prune(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="Picture to ask about.")],
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="What to ask.")],
    model: Annotated[
        str, typer.Option(metavar="FOLDER_OR_HUB_NAME", help="A folder, or a name on the hub.")
    ],
    method: Annotated[
        list[str], typer.Option(metavar="NAME", help="Method of the library; may be given again.")
    ] = ["feather"],  # noqa: B006 (typer copies it)
    out: Annotated[
        Path, typer.Option(metavar="PNG", help="Picture of the kept patches to write.")
    ] = Path("kept.png"),
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, in tokens.")] = 64,
    revision: Annotated[
        str, typer.Option(help="Commit, tag or branch of a model of the hub.")
    ] = "main",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")] = "auto",
    dtype: Annotated[
        Dtype | None,
        typer.Option(help="Number format; by default bfloat16 on a GPU, float32 on a CPU."),
    ] = None,
) -> None:
    """Ask a model about a picture, with all visual tokens and with pruning methods.

    Prints the answers and the visual tokens that are left, and draws which patches are kept. The
    question goes through the model's chat template, if it has one.
    """
    from prunescope.cli.answering import Question, print_answers
    from prunescope.cli.loading import load
    from prunescope.cli.pictures import Panel, save, veil
    from prunescope.methods import named_method

    picture = _open(image)
    methods = [named_method(name) for name in dict.fromkeys([BASELINE, *method])]
    encoded = Question.of(load(model, revision, device, dtype), picture, question)
    answers = [encoded.answer(method, max_new_tokens) for method in methods]
    print_answers(answers)
    views = encoded.views()
    panels = [
        Panel(a.method, veil(views, a.passed()), (f"tokens kept: {a.tokens()}", a.text))
        for a in answers
    ]
    save(panels, question, out)
    typer.echo(f"\nThe picture is {out}. Dark: patches that were removed.")


def _open(path: Path) -> "Image":
    """The picture in RGB. InputError if it cannot be read."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except OSError as error:
        raise InputError(f"{path}: it is not a picture that can be read: {error}") from None
