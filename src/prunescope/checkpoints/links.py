"""A model's folder as links to files that lie elsewhere, such as in the hub's cache."""

from collections.abc import Iterable
from pathlib import Path

from prunescope.errors import InputError
from prunescope.hub.origins import MARKER


def refuse_other_files(folder: Path, key: str) -> None:
    """Raise InputError if a folder to be written has files that are neither links nor the marker.

    key: of the configuration, for the message.
    """
    files = [path for path in folder.glob("*") if not path.is_dir() and path.name != MARKER]
    if others := [file.name for file in files if not file.is_symlink()]:
        raise InputError(f"{key}: {folder} has files of its own, such as {others[0]}; set `path`")


def replace_links(folder: Path, files: Iterable[Path], root: Path) -> None:
    """Replace the links in a folder by links to `files`, which lie in `root`."""
    for link in folder.glob("*"):
        if link.is_symlink():
            link.unlink()
    for file in files:
        link = folder / file.relative_to(root)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(file.resolve())
