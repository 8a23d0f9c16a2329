"""Checks that a model's folder has all files, and that they are whole. No torch."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from prunescope.errors import InputError

GIT_LFS = b"version https://git-lfs"  # first bytes of the pointer to a file that git did not fetch
MODEL = ("config.json", "*.safetensors")  # files that a model's folder must have
SETTINGS = (
    "*.json",
    "*.jinja",
    "tokenizer.model",
    "merges.txt",
    "vocab.txt",
)  # files that it may have
TOKENIZER = ("tokenizer.json", "*.model", "vocab.*", "tekken.json")  # one of these
PROCESSOR = ("processor_config.json", "preprocessor_config.json")  # one of these


def check_folder(folder: Path, patterns: Iterable[str], where: str) -> None:
    """Raise InputError unless the folder exists and has a file for each pattern.

    where: start of the message.
    """
    if not folder.is_dir():
        raise InputError(f"{where}: there is no folder {folder}")
    for pattern in patterns:
        if not any(folder.glob(pattern)):
            raise InputError(f"{where}: {folder} {missing(pattern)}")


def check_loaded(folder: Path, loading_info: Mapping[str, Any], where: str) -> None:
    """Raise InputError for weights that the files lack or have in another shape.

    transformers fills such weights with random numbers. loading_info: what `from_pretrained`
    returns beside the model. where: start of the message.
    """
    mismatched = (name for name, *_ in loading_info["mismatched_keys"])
    lacking = sorted([*loading_info["missing_keys"], *mismatched])
    if lacking:
        raise InputError(
            f"{where}: {folder} lacks {len(lacking)} of the model's weights, or has them in "
            f"another shape, such as {lacking[0]}. Fetch it again, with its own config.json"
        )


def missing(pattern: str) -> str:
    """End of a message about a missing file; for weights, it says why pickles are refused."""
    if pattern.endswith(".safetensors"):
        return (
            f"has no {pattern}. Weights in pickles (.bin, .pt) are refused, since these may run "
            "code: give a repository or a revision with safetensors"
        )
    return f"has no {pattern}. Give a repository or folder that has it"


def check_weights(folder: Path, where: str) -> None:
    """Raise InputError for a file of weights that is missing, damaged or incomplete.

    where: start of the message.
    """
    _check_files(folder.glob("*.safetensors"), where)
    for index in folder.glob("*.safetensors.index.json"):
        if (folder / index.name.removesuffix(".index.json")).is_file():
            continue  # transformers takes the single file and ignores the index
        _check_files([index], where)
        shards = set(json.loads(index.read_bytes()).get("weight_map", {}).values())
        if lacking := sorted(name for name in shards if not (folder / name).is_file()):
            raise InputError(
                f"{where}: {folder} lacks {', '.join(lacking)}, which {index.name} names. "
                "Fetch them from where the model comes from"
            )


def check_settings(folder: Path, where: str) -> None:
    """Raise InputError for a JSON file of settings that is damaged or incomplete."""
    _check_files(folder.glob("*.json"), where)


def check_processor(folder: Path, where: str) -> None:
    """Raise InputError for a folder without a tokenizer or without an image processor."""
    for part, patterns in (("tokenizer", TOKENIZER), ("image processor", PROCESSOR)):
        if not any(any(folder.glob(pattern)) for pattern in patterns):
            raise InputError(
                f"{where}: {folder} has no {part}, which is one of {', '.join(patterns)}. "
                "Copy it from where the model comes from"
            )


def _check_files(files: Iterable[Path], where: str) -> None:
    for file in sorted(files):
        if problem := _problem(file):
            raise InputError(
                f"{where}: {file} {problem}. Remove {file.resolve()} and fetch it again"
            )


def _problem(file: Path) -> str:
    """Fault of a file of weights or settings, as the end of a sentence; "" if it has none."""
    with file.open("rb") as data:
        if data.read(len(GIT_LFS)) == GIT_LFS:
            return "is a pointer of Git LFS, not the file itself (`git lfs pull` fetches that)"
    try:
        _open(file)
    except (ValueError, SafetensorError) as error:
        return f"is damaged or incomplete ({error})"
    return ""


def _open(file: Path) -> None:
    """Raise ValueError for broken JSON, SafetensorError for a wrong header or length."""
    if file.suffix == ".json":
        json.loads(file.read_bytes())
        return
    with safe_open(file, framework="numpy"):  # reads the header, no tensor
        pass
