"""What is in the way of something on the Hugging Face hub, and what to do about it."""

from dataclasses import dataclass

from prunescope.disk import disk_full
from prunescope.errors import causes

# By the names of their classes: those of datasets and of huggingface_hub, none of them imported.
UNKNOWN = {"RepositoryNotFoundError", "DatasetNotFoundError"}
UNREACHED = {"ConnectionError", "TransportError", "LocalEntryNotFoundError"}


@dataclass(frozen=True)
class Wanted:
    """what: is asked for, "model" or "data set"; revision: of it; key: of the configuration or
    card that names the revision; copy: how to name a copy; files: key that names its files."""

    what: str
    revision: str
    key: str
    copy: str
    files: str = ""


def advice(error: Exception, wanted: Wanted) -> str:
    """What is in the way, in one sentence, and what to do about it in the next."""
    said = " ".join(str(error).split()) or type(error).__name__
    kinds = {base.__name__ for each in causes(error) for base in type(each).__mro__}
    if disk_full(error):
        return f"the disk is full ({said}). Make room, or set HF_HOME to another disk"
    if "GatedRepoError" in kinds or "is a gated" in said:
        return f"access is gated ({said}). Accept its terms on its page, then `hf auth login`"
    if "RevisionNotFoundError" in kinds or said.startswith("Revision"):
        return f"there is no revision {wanted.revision!r} ({said}). Set {wanted.key}"
    if kinds & UNKNOWN:
        return (
            f"there is no such {wanted.what}, or it is private ({said}). Look at its name, "
            f"`hf auth login` if it is private, or {wanted.copy}"
        )
    if kinds & UNREACHED:
        return (
            f"not in the cache, and the hub cannot be reached ({said}). Load it once with a "
            f"network, where finished files are kept, or {wanted.copy}"
        )
    if wanted.files and isinstance(error, FileNotFoundError):
        return f"it has no files that are asked for ({said}). Set {wanted.files}"
    return f"it cannot be loaded: {type(error).__name__}: {said}"
