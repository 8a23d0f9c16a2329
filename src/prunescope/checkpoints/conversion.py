"""Prismatic models of a study: their downloaded parts become one stock model."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunescope.checkpoints.links import refuse_other_files, replace_links
from prunescope.checkpoints.prismatic import convert
from prunescope.errors import InputError
from prunescope.hub.origins import commits_of, parts_of, write_marker

CONVERTED = "converted"  # folder, inside the model's, that the converter writes


def convert_parts(folder: Path | str, key: str, request: Mapping[str, Any]) -> None:
    """Convert the parts that lie in `folder`, link the result there, and mark the folder.

    key: of the configuration, for messages. request: the configuration's value; its `dtype` is
    that of the weights. Errors are those of `prunescope.checkpoints.prismatic.convert`.
    """
    folder = Path(folder)
    refuse_other_files(folder, key)
    parts = {part: folder / part for part in parts_of(request)}
    converted = folder / CONVERTED
    try:
        convert(**parts, out=converted, dtype=request["dtype"])
    except InputError as error:
        raise InputError(f"{key}: {error}") from None
    replace_links(folder, converted.iterdir(), converted)
    commits = [commit for part in parts.values() for commit in commits_of(part)]
    write_marker(folder, request, commits)
