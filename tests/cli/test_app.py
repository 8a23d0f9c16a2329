"""The command line as a whole: help, version, and what a failure looks like."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from prunescope import __version__
from prunescope.cli import main
from prunescope.cli.app import app

COMMANDS = [
    ["demo"], ["prune"], ["doctor"], ["explain"], ["plan"], ["match"], ["export"],
    ["convert-prismatic"], ["records", "list"], ["records", "verify"], ["records", "prune"],
]  # fmt: skip


def run(*arguments):
    return CliRunner().invoke(app, [*map(str, arguments)], prog_name="prunescope")


def test_without_a_command_it_shows_the_help():
    shown = run()
    assert shown.exit_code == 0 and shown.output == run("--help").output
    for [command, *_] in COMMANDS:
        assert f" {command} " in shown.output


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_has_an_example_of_it(command):
    shown = run(*command, "--help")
    assert shown.exit_code == 0
    example = shown.output.rpartition("Example")[2]
    assert f"prunescope {' '.join(command)}" in example


def test_version():
    assert run("--version").output == f"prunescope {__version__}\n"


def test_wrong_input_is_one_line_and_exit_code_2(capsys):
    assert main(["match", "fastv", "scores.zarr", "--share", "40"]) == 2
    out, error = capsys.readouterr()
    assert (out, error) == ("", "prunescope match: --share must lie in 0 to 1, got 40\n")


def test_an_unknown_command_is_exit_code_2(capsys):
    assert main(["prun"]) == 2
    assert "prune" in capsys.readouterr().err


def test_a_missing_package_is_named_with_what_installs_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "prunescope.records.upkeep", raising=False)
    monkeypatch.delitem(sys.modules, "prunescope.records.store", raising=False)
    assert main(["records", "list", "--store", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "'pyarrow" in error and "pip install '.[study]'" in error


HEAVY = {"torch", "transformers", "pandas", "numpy", "matplotlib", "huggingface_hub"}


def test_help_waits_for_no_heavy_package():
    code = (
        "import sys; from prunescope.cli import main; main(['--help']); "
        f"print('loaded:', *sorted({HEAVY} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert printed.stdout.splitlines()[-1].strip() == "loaded:"
