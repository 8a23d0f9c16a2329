"""Files of a repository of the Hugging Face hub, fetched into the hub's cache.

The cache (HF_HOME) keeps finished files, works without a network, and may be filled by
`hf download`.
"""

import errno
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prunescope.hub.disk import free_bytes

log = logging.getLogger(__name__)


def fetch(repo: str, revision: str, patterns: Sequence[str], **options: Any) -> Path:
    """Fetch the files that match the patterns; returns their folder, named by the commit.

    In a pattern, `*` also matches inside folders. options: arguments of
    `huggingface_hub.snapshot_download`.

    Raises the errors of `snapshot_download`, and OSError when the disk has no room. When the hub
    cannot be reached and no cached file matches the first pattern, LocalEntryNotFoundError.
    """
    import huggingface_hub

    request = {"repo_id": repo, "revision": revision, "allow_patterns": list(patterns), **options}
    reached = _check_space(request)
    root = Path(huggingface_hub.snapshot_download(**request))
    if not reached and not any(root.glob(patterns[0])):
        raise huggingface_hub.errors.LocalEntryNotFoundError(f"no {patterns[0]} in {root}")
    return root


def _check_space(request: Mapping[str, Any]) -> bool:
    """Raise OSError if the cache's disk has no room for the files still to fetch.

    Returns False if the hub does not list its files: the cache may have them all.
    """
    import huggingface_hub

    try:
        files = huggingface_hub.snapshot_download(**request, dry_run=True)
    except huggingface_hub.errors.DryRunError:
        return False
    size = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(huggingface_hub.constants.HF_HUB_CACHE)
    free = free_bytes(cache)
    sizes = f"{size / 1e9:.2f} GB to fetch to {cache}, where {free / 1e9:.2f} GB are free"
    log.info("%s: %s", request["repo_id"], sizes)
    if size > free:
        raise OSError(errno.ENOSPC, sizes)
    return True
