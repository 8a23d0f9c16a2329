"""The commands of `prunescope`, with their examples, and what happens when one fails.

Commands import what they need when they run: `prunescope --help` must not wait for torch.
"""

import inspect
import logging
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from prunescope import __version__
from prunescope.cli import demo, doctor, explain, prune, records, tools
from prunescope.errors import InputError

TRY, STUDY, TOOLS = "Try it", "Run a study", "Work with models and results"


class Commands(TyperGroup):
    """Commands that report wrong input and missing packages in one line, with exit code 2."""

    def invoke(self, context: typer.Context) -> Any:
        try:
            return super().invoke(context)
        except InputError as error:
            message = str(error)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("prunescope"):  # a mistake of ours
                raise
            message = (
                f"the package {error.name!r} is not installed; run pip install '.[study]' in the "
                "project's folder, for all commands"
            )
        typer.echo(f"prunescope {context.invoked_subcommand}: {message}", err=True)
        raise typer.Exit(2)


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 if all went well, 2 for wrong input."""
    try:
        app(arguments, prog_name="prunescope")
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"prunescope {__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True, epilog="First steps:  prunescope doctor, then  prunescope demo"
)
def start(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Prune visual tokens of vision-language models, and study what pruning costs.

    `prunescope COMMAND --help` explains a command and shows examples.
    """
    logging.basicConfig(format="%(message)s")
    logging.getLogger("prunescope").setLevel(logging.INFO)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _examples(*lines: str) -> str:
    """Text below a command's help: one example a line."""
    return "\n\n".join(["[bold]Examples[/bold]", *lines])


def _add(command: Any, panel: str, *examples: str, name: str | None = None) -> None:
    # one line for each paragraph: the terminal's width decides where lines break
    help_text = re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(command))
    app.command(name, help=help_text, epilog=_examples(*examples), rich_help_panel=panel)(command)


_add(demo.demo, TRY, "prunescope demo", "prunescope demo --out demo.png")
_add(
    prune.prune,
    TRY,
    "prunescope prune cat.jpg 'What is on the mat?' --model llava-hf/llava-1.5-7b-hf",
    "prunescope prune cat.jpg 'What is on the mat?' --model models/llava --method fastv",
)
_add(doctor.doctor, TRY, "prunescope doctor")
_add(explain.explain, STUDY, "prunescope explain workflow/config/smol.yaml")
_add(tools.plan, STUDY, "prunescope plan workflow/config/paper.yaml")
app.add_typer(records.app, name="records", rich_help_panel=STUDY)
_add(
    tools.match,
    STUDY,
    "prunescope match feather results/smol/attention/smol/*/*.zarr --share 0.4",
    "prunescope match uniform results/smol/attention/smol/*/*.zarr --share 0.3 --knob stride",
)
_add(
    tools.export,
    TOOLS,
    "prunescope export lmms-eval results/smol/records/smol/*/*.parquet --out samples",
    "prunescope export dataset results/smol/records/smol/*/*.parquet --out answers",
)
_add(
    tools.convert_prismatic,
    TOOLS,
    "prunescope convert-prismatic prism-siglip+7b llava-siglip --vision siglip-so400m "
    "--tokenizer llama-2-7b",
    name="convert-prismatic",
)
