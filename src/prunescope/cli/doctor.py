"""`prunescope doctor`: checks that this machine has what pruning and studies need."""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import typer
from rich.console import Console

from prunescope.cli.demo import packaged_model
from prunescope.errors import InputError

OK, WARN, FAIL = "ok", "warn", "fail"
COLOURS = {OK: "green", WARN: "yellow", FAIL: "red"}
GIGABYTE = 1e9
MODEL_SIZE = 15  # gigabytes of LLaVA-1.5-7B
STUDY_SIZE = 2  # gigabytes of results and caches of the default study
TIMEOUT = 5  # seconds to wait for the hub
IN_FOLDER = "in the project's folder"
INSTALL = f"pip install . {IN_FOLDER}"


class Check(NamedTuple):
    """One line of the report. advice: what to do, "" where nothing is to be done."""

    name: str
    state: str
    fact: str
    advice: str = ""


def doctor() -> None:
    """Check this machine: packages, device, model hub, write access and disk space.

    Each line says ok, warn or fail, and what to do. Exit code 1 if a check fails.
    """
    states = set()
    for check in _checks():
        states.add(check.state)
        _print(check)
    if FAIL in states:
        raise typer.Exit(1)


def _print(check: Check) -> None:
    console = Console(highlight=False, soft_wrap=True)
    colour = COLOURS[check.state]
    console.print(f"[{colour}]{check.state:<4}[/]  {check.name:<14}", end="")
    console.print(check.fact, markup=False)
    if check.advice:
        console.print(f"{'':<20}-> {check.advice}", markup=False)


def _checks() -> Iterator[Check]:
    yield _python()
    yield from _packages()
    yield from _torch()
    yield _testbed()
    yield _hub()
    yield _folder("hub cache", _hub_cache(), MODEL_SIZE, "set HF_HOME to a folder with room")
    yield _folder("results", Path("results"), STUDY_SIZE, "run studies where you may write")


def _python() -> Check:
    return Check("Python", OK, f"{sys.version.split()[0]}, {sys.executable}")


def _packages() -> Iterator[Check]:
    """The packages that prunescope needs, then those of each optional extra."""
    distribution = metadata.distribution("prunescope")
    for extra in ("", *distribution.metadata.get_all("Provides-Extra", [])):
        missing = _missing(distribution.requires or [], extra)
        if not missing:
            yield Check(extra or "packages", OK, "installed, in the versions that are supported")
        elif extra:
            install = f"optional: pip install '.[{extra}]' {IN_FOLDER}"
            yield Check(extra, WARN, f"lacks {', '.join(missing)}", install)
        else:
            yield Check("packages", FAIL, f"lacks {', '.join(missing)}", INSTALL)


def _missing(requirements: list[str], extra: str) -> list[str]:
    """Requirements that are not installed, or in another version: those of an extra, or of the
    package itself for ""."""
    from packaging.requirements import Requirement

    missing = []
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        needed = marker is None or marker.evaluate({"extra": extra})
        basic = marker is None or marker.evaluate({"extra": ""})
        if needed and (not extra or not basic) and not _satisfied(requirement):
            missing.append(f"{requirement.name}{requirement.specifier}")
    return missing


def _satisfied(requirement) -> bool:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def _torch() -> Iterator[Check]:
    try:
        import torch
        import transformers
    except ImportError as error:
        yield Check("torch", FAIL, str(error), INSTALL)
        return
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    threads = f"{torch.get_num_threads()} threads on {os.cpu_count()} cores"
    yield Check("torch", OK, f"{torch.__version__}, built for {build}, {threads}")
    yield Check("transformers", OK, transformers.__version__)
    if torch.cuda.is_available():
        names = ", ".join(map(torch.cuda.get_device_name, range(torch.cuda.device_count())))
        yield Check("device", OK, f"cuda: {names}")
    elif shutil.which("nvidia-smi"):
        advice = "install a torch that fits the GPU's driver: https://pytorch.org/get-started"
        yield Check("device", WARN, "cpu, though there is an NVIDIA driver", advice)
    else:
        yield Check("device", OK, "cpu; models of 7 billion parameters need a GPU")


def _testbed() -> Check:
    try:
        return Check("testbed model", OK, str(packaged_model()))
    except InputError as error:
        return Check("testbed model", FAIL, str(error))


def _hub_cache() -> Path:
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _hub() -> Check:
    """Whether models and data sets can be fetched."""
    from huggingface_hub import constants, get_session, get_token

    if constants.HF_HUB_OFFLINE:
        fact = "HF_HUB_OFFLINE is set: only what is in the cache is used"
        return Check("hub", WARN, fact, "unset HF_HUB_OFFLINE to fetch models")
    try:
        get_session().head(constants.ENDPOINT, timeout=TIMEOUT)
    except Exception as error:  # raised by the HTTP library of huggingface_hub
        fact = f"{constants.ENDPOINT} cannot be reached ({type(error).__name__})"
        advice = "only models and data in the cache or in folders can be used; `demo` needs neither"
        return Check("hub", WARN, fact, advice)
    login = "logged in" if get_token() else "not logged in; gated models need `hf auth login`"
    return Check("hub", OK, f"{constants.ENDPOINT} answers, {login}")


def _folder(name: str, folder: Path, gigabytes: float, advice: str) -> Check:
    """Whether a folder, which need not exist yet, can be written and has room."""
    folder = folder.absolute()
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        return Check(name, FAIL, f"{existing} cannot be written", advice)
    free = shutil.disk_usage(existing).free / GIGABYTE
    fact = f"{folder}, {free:.0f} GB free"
    if free < gigabytes:
        return Check(name, WARN, f"{fact}; about {gigabytes} GB are needed", advice)
    return Check(name, OK, fact)
