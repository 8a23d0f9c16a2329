"""Whether a model's folder has what it needs, and its files are whole. No torch."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prunescope.errors import InputError

POINTER = b"version https://git-lfs"  # what git leaves in the place of a file that it did not fetch
TOKENIZER = ("tokenizer.json", "*.model", "vocab.*", "tekken.json")
MODEL = ("config.json", "*.safetensors")  # what its folder must have; and what it may have:
SETTINGS = ("*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt")
PROCESSOR = ("processor_config.json", "preprocessor_config.json")


def check_folder(folder: Path, patterns: Iterable[str], where: str) -> None:
    """InputError, which begins with `where`, unless there is a folder with files of these
    patterns."""
    if not folder.is_dir():
        raise InputError(f"{where}: there is no folder {folder}")
    for pattern in patterns:
        if not any(folder.glob(pattern)):
            raise InputError(f"{where}: {folder} {lacks(pattern)}")


def check_loaded(folder: Path, found: Mapping[str, Any], where: str) -> None:
    """InputError for weights that the model needs and the files do not have, or in another shape:
    they would be random. found: the loading info of transformers."""
    missing = sorted([*found["missing_keys"], *(name for name, *_ in found["mismatched_keys"])])
    if missing:
        raise InputError(
            f"{where}: {folder} lacks {len(missing)} of the model's weights, or has them in "
            f"another shape, such as {missing[0]}. Fetch it again, with its own config.json"
        )


def lacks(pattern: str) -> str:
    """What is missing, and for weights why others will not do."""
    if pattern.endswith(".safetensors"):
        return (
            f"has no {pattern}. Weights in pickles (.bin, .pt) are refused, since these may run "
            "code: give a repository or a revision with safetensors"
        )
    return f"has no {pattern}. Give a repository or folder that has it"


def check_weights(folder: Path, where: str) -> None:
    """InputError, which begins with `where`, for a file of weights that is missing or not whole."""
    _check(folder.glob("*.safetensors"), where)
    for index in folder.glob("*.safetensors.index.json"):
        if (folder / index.name.removesuffix(".index.json")).is_file():
            continue  # all in one file, which is what transformers takes
        _check([index], where)
        named = json.loads(index.read_bytes()).get("weight_map", {}).values()
        if gone := sorted({name for name in named if not (folder / name).is_file()}):
            raise InputError(
                f"{where}: {folder} lacks {', '.join(gone)}, which {index.name} names. "
                "Fetch them from where the model comes from"
            )


def check_settings(folder: Path, where: str) -> None:
    """The same for files of settings."""
    _check(folder.glob("*.json"), where)


def check_processor(folder: Path, where: str) -> None:
    """The same for a folder without a tokenizer or a processor."""
    for what, names in (("tokenizer", TOKENIZER), ("processor of images", PROCESSOR)):
        if not any(any(folder.glob(each)) for each in names):
            raise InputError(
                f"{where}: {folder} has no {what}, which is one of {', '.join(names)}. "
                "Copy it from where the model comes from"
            )


def _check(files: Iterable[Path], where: str) -> None:
    for file in sorted(files):
        if problem := _problem(file):
            raise InputError(
                f"{where}: {file} {problem}. Remove {file.resolve()} and fetch it again"
            )


def _problem(file: Path) -> str:
    """What is wrong with a file, "" if nothing."""
    with file.open("rb") as data:
        if data.read(len(POINTER)) == POINTER:
            return "is a pointer of Git LFS, not the file itself (`git lfs pull` fetches that)"
    try:
        if file.suffix == ".json":
            json.loads(file.read_bytes())
        elif _size(file) != file.stat().st_size:
            raise ValueError("its size is not what its header says")
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # of JSON, or what is in it
        return f"is broken or not whole ({error})"
    return ""


def _size(file: Path) -> int:
    """How long a file of tensors is, as its header says: 8 bytes for the length of a JSON object,
    that object, and the tensors."""
    with file.open("rb") as data:
        length = int.from_bytes(data.read(8), "little")
        if 8 + length > file.stat().st_size:
            raise ValueError("it is shorter than its header")
        tensors = json.loads(data.read(length))
    ends = (tensor["data_offsets"][1] for name, tensor in tensors.items() if name != "__metadata__")
    return 8 + length + max(ends, default=0)
