"""What pyproject.toml declares: the command, the pins for conda, the extras."""

import pkgutil
import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from prunescope import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CONDA_NAMES = {
    "torch": "pytorch",
    "matplotlib": "matplotlib-base",
    "snakemake": "snakemake-minimal",
}


def pins(*groups: list[str]) -> dict[str, str]:
    """Version pins of packages by name, as pyproject.toml writes them; without its own extras."""
    requirements = [line for group in groups for line in group if not line.startswith("prunescope")]
    return dict(re.match(r"([\w-]+)(.*)", requirement).groups() for requirement in requirements)


def test_conda_pins_are_those_of_pyproject():
    groups = [EXTRAS[name] for name in ("study", "pretrained", "notebooks")]
    wanted = pins(PROJECT["dependencies"], *groups)
    wanted = {CONDA_NAMES.get(name, name): pin for name, pin in wanted.items()}
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = dict([*line.split(" ", 1), ""][:2] for line in listed if isinstance(line, str))
    assert conda.pop("python") == PROJECT["requires-python"]
    assert conda.pop("pip") == ""
    assert conda == wanted


def test_packages_the_project_is_built_on_are_declared():
    declared = pins(PROJECT["dependencies"], EXTRAS["study"], EXTRAS["notebooks"])
    wanted = "torch transformers snakemake pandas seaborn scipy jupyter datasets"
    assert set(wanted.split()) <= declared.keys()


def test_the_pipeline_is_no_part_of_the_light_installation():
    light = {Requirement(line).name for line in PROJECT["dependencies"]}
    assert not light & {Requirement(line).name for line in EXTRAS["study"]}
    assert "prunescope[study]" in EXTRAS["dev"]
    assert "prunescope[pretrained]" in EXTRAS["study"]


def test_the_command_is_installed():
    assert callable(pkgutil.resolve_name(PROJECT["scripts"]["prunescope"]))


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__
