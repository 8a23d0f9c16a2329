"""What is in the way of something on the Hugging Face hub, and what to do about it."""

from dataclasses import dataclass
from pathlib import Path

from prunescope.errors import causes
from prunescope.hub.disk import disk_full

# By the names of their classes: those of datasets and of huggingface_hub, none of them imported.
UNKNOWN = {"RepositoryNotFoundError", "DatasetNotFoundError"}
UNREACHED = {"ConnectionError", "TransportError", "LocalEntryNotFoundError"}
UNREADABLE = {"ArrowInvalid", "JSONDecodeError", "UnicodeDecodeError"}  # of rows
FORBIDDEN, BUSY = 403, 429


@dataclass(frozen=True)
class Wanted:
    """what: is asked for, "model" or "data set"; revision: of it; key: of the configuration or
    card that names the revision; copy: how to name a copy; files: key that names its files;
    broken: the one of them that is."""

    what: str
    revision: str
    key: str
    copy: str
    files: str = ""
    broken: Path | None = None


def advice(error: Exception, wanted: Wanted) -> str:
    """What is in the way, in one sentence, and what to do about it in the next."""
    said = _line(error)
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
    if answered := _refused(error, said, wanted):
        return answered
    if kinds & UNREACHED:
        return (
            f"not in the cache, and the hub cannot be reached ({said}). Load it once with a "
            f"network, where finished files are kept, or {wanted.copy}"
        )
    if wanted.files and isinstance(error, FileNotFoundError):
        return f"it has no files that are asked for ({said}). Set {wanted.files}"
    if wanted.files and (cause := unreadable(error)):
        if wanted.broken:  # in the hub's cache, what is to be removed is what the name links to
            again = f"Remove {wanted.broken.resolve()} and fetch it again"
            return f"{wanted.broken} is broken or not whole ({cause}). {again}"
        return f"one of its files is broken or not whole ({cause}). Fetch it again"
    return f"it cannot be loaded: {type(error).__name__}: {said}"


def unreadable(error: Exception) -> str:
    """What was said of the contents of a file if these are what is wrong, else ""."""
    found = [
        each
        for each in causes(error)
        if type(each).__name__ in UNREADABLE
        or (type(each) is OSError and each.errno is None)  # of pyarrow
    ]
    return _line(found[-1]) if found else ""


def _refused(error: Exception, said: str, wanted: Wanted) -> str:
    """What to do about the status that the hub answered with, "" if nothing or if it gave none."""
    answers = ((_status(each), each) for each in causes(error))
    status, answer = next((pair for pair in answers if pair[0]), (0, error))
    if status == 401:  # "Unauthorized", though what is asked for may be open to all
        return (
            f"the hub refuses the token ({said}). `hf auth login` with one that is valid, or "
            "`hf auth logout` and unset HF_TOKEN if it is open to all"
        )
    if status == BUSY or status >= 500:
        return (
            f"not in the cache, and the hub has trouble ({said}). Try again later, finished files "
            f"are kept, or {wanted.copy}"
        )
    if status == FORBIDDEN:
        return (
            f"the hub forbids it ({_line(answer)}). Ask for access on its page, and give the token "
            "of `hf auth login` the right to read gated repositories"
        )
    return ""


def _status(error: BaseException) -> int:
    """Of HTTP, 0 if none came."""
    return getattr(getattr(error, "response", None), "status_code", 0)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
