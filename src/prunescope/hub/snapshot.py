"""Files of a repository of the Hugging Face hub, fetched into the hub's cache.

The cache (HF_HOME) keeps what is finished, is enough without a network, and may be filled by
`hf download`.
"""

import errno
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prunescope.hub import disk

log = logging.getLogger(__name__)


def fetch(repo: str, revision: str, patterns: Sequence[str], **more: Any) -> Path:
    """The folder with the files of these patterns, in which * goes into folders; it is called by
    the commit. more: arguments of `huggingface_hub.snapshot_download`.

    Raises what that does, OSError where the disk has no room, and LocalEntryNotFoundError also
    where the hub cannot be reached and nothing of the first pattern is in the cache.
    """
    import huggingface_hub

    wanted = {"repo_id": repo, "revision": revision, "allow_patterns": list(patterns), **more}
    reached = _check_space(wanted)
    root = Path(huggingface_hub.snapshot_download(**wanted))
    if not reached and not any(root.glob(patterns[0])):
        raise huggingface_hub.errors.LocalEntryNotFoundError(f"no {patterns[0]} in {root}")
    return root


def _check_space(wanted: Mapping[str, Any]) -> bool:
    """Raise OSError if the disk of the cache has no room for what is not in it yet; False if the
    hub does not tell what that is."""
    import huggingface_hub

    try:
        files = huggingface_hub.snapshot_download(**wanted, dry_run=True)
    except huggingface_hub.errors.DryRunError:
        return False  # the cache may have it
    size = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(huggingface_hub.constants.HF_HUB_CACHE)
    free = disk.free(cache)
    sizes = f"{size / 1e9:.2f} GB to fetch to {cache}, where {free / 1e9:.2f} GB are free"
    log.info("%s: %s", wanted["repo_id"], sizes)
    if size > free:
        raise OSError(errno.ENOSPC, sizes)
    return True
