"""Models of the Hugging Face hub, or of a folder in its layout, as folders of a study.

Files stay in the hub's cache (HF_HOME), which keeps what is finished, shares it between studies and
revisions, and may be filled by `hf download`; a study's folder holds links to them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from prunescope.errors import InputError
from prunescope.hub.advice import Wanted, advice
from prunescope.hub.integrity import MODEL, SETTINGS, lacks
from prunescope.hub.origins import MARKER, mark, origin, parts
from prunescope.hub.snapshot import fetch

# Of each part, the files that it must have and those that it may have. No pickles but that of
# Prismatic, which is read as tensors and nothing else.
NEEDED = {
    "hub": MODEL,
    "checkpoint": ("config.json", "checkpoints/latest-checkpoint.pt"),
    "vision": ("*.safetensors",),
    "dino": ("*.safetensors",),
    "tokenizer": ("tokenizer.json",),
}
OPTIONAL = {
    "hub": SETTINGS,
    "checkpoint": (),
    "vision": (),
    "dino": (),
    "tokenizer": ("tokenizer_config.json", "special_tokens_map.json"),
}
CONVERTED = "converted"


def download(folder: Path | str, key: str, part: str, asked: Mapping[str, str]) -> None:
    """Make `folder` one of links to the files of a repository, and mark it.

    key: of the configuration, for messages. part: what the files are, a key of NEEDED. asked:
    `repo` (of the hub, or a folder), `revision`, and for a checkpoint `folder`. InputError says
    what is in the way and what to do about it; what is fetched by then need not be fetched again.
    """
    folder, inside = Path(folder), PurePosixPath(asked.get("folder", "."))
    _refuse_own(folder, key)
    patterns = NEEDED[part] + OPTIONAL[part]
    if part == "hub":  # before its weights are fetched
        _check_stock(key, asked)
    root, came = _place(key, asked, [str(inside / each) for each in patterns])
    _check_has(root, [str(inside / each) for each in NEEDED[part]], f"{key}: {came}")
    files = {file for each in patterns for file in (root / inside).glob(each)} - {root / MARKER}
    _link(folder, files, root / inside)
    mark(folder, asked, [came])


def convert_parts(folder: Path | str, key: str, asked: Mapping[str, Any]) -> None:
    """Convert the parts that lie in `folder` into another in it, link what that has, and mark it.

    key: of the configuration, for messages. asked: what stands there; its `dtype` is that of the
    weights. InputError as of `prunescope.checkpoints.prismatic.convert`.
    """
    from prunescope.checkpoints.prismatic import (
        convert,  # here, so that downloads need not wait for torch
    )

    folder = Path(folder)
    _refuse_own(folder, key)
    places = {part: folder / part for part in parts(asked)}
    made = folder / CONVERTED
    try:
        convert(**places, out=made, dtype=asked["dtype"])
    except InputError as error:
        raise InputError(f"{key}: {error}") from None
    _link(folder, made.iterdir(), made)
    mark(folder, asked, [each for place in places.values() for each in origin(place)])


def _check_stock(key: str, asked: Mapping[str, str]) -> None:
    """InputError unless it is a model of transformers' own that reads images."""
    from prunescope.checkpoints import stock  # here: parts need not wait for torch

    root, came = _place(key, asked, ["config.json"])
    _check_has(root, ["config.json"], f"{key}: {came}")
    stock.config(root, f"{key}: {came}")


def _check_has(root: Path, patterns: Iterable[str], where: str) -> None:
    for pattern in patterns:
        if not any(root.glob(pattern)):
            raise InputError(f"{where}: {lacks(pattern)}")


def _place(key: str, asked: Mapping[str, str], patterns: list[str]) -> tuple[Path, str]:
    """The folder with the files of these patterns, and what to call it."""
    repo = asked["repo"]
    if Path(repo).is_dir():
        return Path(repo), repo
    root = _fetch(key, asked, patterns)
    return root, f"{repo}@{root.name}"  # the cache calls folders by their commit


def _fetch(key: str, asked: Mapping[str, str], patterns: list[str]) -> Path:
    """The snapshot, in the hub's cache, with the files of these patterns."""
    # In patterns of the hub, * goes into folders.
    nested = None if "folder" in asked else "*/*"
    try:
        return fetch(asked["repo"], asked["revision"], patterns, ignore_patterns=nested)
    except Exception as error:  # of huggingface_hub, the network or the disk
        keys = f"{key}.revision", f"give a folder that has it as {key}.repo"
        said = advice(error, Wanted("model", asked["revision"], *keys))
        raise InputError(f"{key}: {asked['repo']}: {said}") from error


def _refuse_own(folder: Path, key: str) -> None:
    """Raise InputError if a folder that is to be written has files that were not linked."""
    there = [each for each in folder.glob("*") if not each.is_dir() and each.name != MARKER]
    if own := [each.name for each in there if not each.is_symlink()]:
        raise InputError(f"{key}: {folder} has files of its own, such as {own[0]}; set `path`")


def _link(folder: Path, files: Iterable[Path], root: Path) -> None:
    """Links to `files`, which lie in `root`, in the place of those that are in the folder."""
    for link in folder.glob("*"):
        if link.is_symlink():
            link.unlink()
    for file in files:
        link = folder / file.relative_to(root)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(file.resolve())
