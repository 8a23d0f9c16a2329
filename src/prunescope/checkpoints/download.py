"""Models of the Hugging Face hub, or of a folder in its layout, as folders of a study.

Files stay in the hub's cache (HF_HOME), which keeps finished files, shares them between studies
and revisions, and may be filled by `hf download`. A study's folder holds links to them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from prunescope.checkpoints.links import refuse_other_files, replace_links
from prunescope.errors import InputError
from prunescope.hub.advice import Request, advice
from prunescope.hub.integrity import MODEL, SETTINGS, missing
from prunescope.hub.origins import MARKER, write_marker
from prunescope.hub.snapshot import fetch

# Files that each part must have, and files that it may have. The only pickle is Prismatic's
# checkpoint; only its tensors are read.
NEEDED = {
    "hub": MODEL,
    "decoder": MODEL,
    "checkpoint": ("config.json", "checkpoints/latest-checkpoint.pt"),
    "vision": ("*.safetensors",),
    "dino": ("*.safetensors",),
    "tokenizer": ("tokenizer.json",),
}
OPTIONAL = {
    "hub": SETTINGS,
    "decoder": SETTINGS,
    "checkpoint": (),
    "vision": (),
    "dino": (),
    "tokenizer": ("tokenizer_config.json", "special_tokens_map.json"),
}


def download(folder: Path | str, key: str, part: str, request: Mapping[str, str]) -> None:
    """Fill `folder` with links to the files of a repository, and mark it as finished.

    key: of the configuration, for messages. part: what the files are, a key of NEEDED. request:
    `repo` (of the hub, or a folder), `revision`, and for a checkpoint `folder`. InputError says
    what went wrong and what to do; files that are already fetched stay in the cache.
    """
    folder, subfolder = Path(folder), PurePosixPath(request.get("folder", "."))
    refuse_other_files(folder, key)
    patterns = NEEDED[part] + OPTIONAL[part]
    if part == "hub":  # refuse an unsupported model before its weights are fetched
        _check_stock(key, request)
    root, name = _locate(key, request, [str(subfolder / pattern) for pattern in patterns])
    _check_has(root, [str(subfolder / pattern) for pattern in NEEDED[part]], f"{key}: {name}")
    files = {file for pattern in patterns for file in (root / subfolder).glob(pattern)}
    replace_links(folder, files - {root / MARKER}, root / subfolder)
    write_marker(folder, request, [name])


def _check_stock(key: str, request: Mapping[str, str]) -> None:
    """Raise InputError unless transformers has a class for the model, and it reads images."""
    from prunescope.checkpoints import stock  # loads torch, which the other parts do not need

    root, name = _locate(key, request, ["config.json"])
    _check_has(root, ["config.json"], f"{key}: {name}")
    stock.load_config(root, f"{key}: {name}")


def _check_has(root: Path, patterns: Iterable[str], where: str) -> None:
    for pattern in patterns:
        if not any(root.glob(pattern)):
            raise InputError(f"{where}: {missing(pattern)}")


def _locate(key: str, request: Mapping[str, str], patterns: list[str]) -> tuple[Path, str]:
    """Folder with the files of these patterns, and its name for messages and the marker."""
    repo = request["repo"]
    if Path(repo).is_dir():
        return Path(repo), repo
    root = _fetch(key, request, patterns)
    return root, f"{repo}@{root.name}"  # the cache names a folder by its commit


def _fetch(key: str, request: Mapping[str, str], patterns: list[str]) -> Path:
    """Snapshot in the hub's cache with the files of these patterns."""
    # On the hub, * also matches inside folders, which a repository's own files never need.
    nested = None if "folder" in request else "*/*"
    try:
        return fetch(request["repo"], request["revision"], patterns, ignore_patterns=nested)
    except Exception as error:  # raised by huggingface_hub, the network or the disk
        use_copy = f"give a folder that has it as {key}.repo"
        hub_request = Request("model", request["revision"], f"{key}.revision", use_copy)
        reason = advice(error, hub_request)
        raise InputError(f"{key}: {request['repo']}: {reason}") from error
