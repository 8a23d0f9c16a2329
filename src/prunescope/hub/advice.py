"""Advice after a failed request to the Hugging Face hub: the fault and the remedy."""

from dataclasses import dataclass
from pathlib import Path

from prunescope.errors import causes
from prunescope.hub.disk import full_disk_message

# Errors of datasets and huggingface_hub, by class name, so that neither has to be imported.
NOT_FOUND = {"RepositoryNotFoundError", "DatasetNotFoundError"}
UNREACHABLE = {"ConnectionError", "TransportError", "LocalEntryNotFoundError"}
UNREADABLE = {"ArrowInvalid", "JSONDecodeError", "UnicodeDecodeError"}
UNAUTHORISED, FORBIDDEN, TOO_MANY_REQUESTS = 401, 403, 429  # HTTP status codes


@dataclass(frozen=True)
class Request:
    """A repository that somebody asked for, and where its settings are made.

    kind: "model" or "data set". revision: the branch or commit; revision_key: the key that sets
    it. use_copy: how to name a local copy, as a command. files_key: the key that names the files,
    "" if there is none. broken_file: a damaged file, if one is known.
    """

    kind: str
    revision: str
    revision_key: str
    use_copy: str
    files_key: str = ""
    broken_file: Path | None = None


def advice(error: Exception, request: Request) -> str:
    """Message that names the fault and the remedy."""
    message = _one_line(error)
    return (
        _access_advice(error, message, request)
        or _status_advice(error, message, request)
        or _network_advice(error, message, request)
        or _files_advice(error, message, request)
        or f"it cannot be loaded: {type(error).__name__}: {message}"
    )


def content_problem(error: Exception) -> str:
    """Message of the error, or of its cause, that is about a file's contents; "" if none is."""
    problems = [cause for cause in causes(error) if _is_about_content(cause)]
    return _one_line(problems[-1]) if problems else ""


def _is_about_content(error: BaseException) -> bool:
    # pyarrow raises a plain OSError without a number for a broken file
    return type(error).__name__ in UNREADABLE or (type(error) is OSError and error.errno is None)


def _access_advice(error: Exception, message: str, request: Request) -> str:
    names = _class_names(error)
    if full_disk_message(error):
        return f"the disk is full ({message}). Make room, or set HF_HOME to another disk"
    if "GatedRepoError" in names or "is a gated" in message:
        return f"access is gated ({message}). Accept the terms on its page, then `hf auth login`"
    if "RevisionNotFoundError" in names or message.startswith("Revision"):
        return f"there is no revision {request.revision!r} ({message}). Set {request.revision_key}"
    if names & NOT_FOUND:
        return (
            f"there is no such {request.kind}, or it is private ({message}). Check its name, "
            f"`hf auth login` if it is private, or {request.use_copy}"
        )
    return ""


def _status_advice(error: Exception, message: str, request: Request) -> str:
    """Advice for the HTTP status that the hub answered with; "" if it needs none."""
    answers = [(status, cause) for cause in causes(error) if (status := _http_status(cause))]
    status, answer = answers[0] if answers else (0, error)
    if status == UNAUTHORISED:  # a bad token is refused even where no token is needed
        return (
            f"the hub refuses the token ({message}). `hf auth login` with a valid one, or "
            "`hf auth logout` and unset HF_TOKEN if it is open to all"
        )
    if status == TOO_MANY_REQUESTS or status >= 500:
        return (
            f"not in the cache, and the hub has trouble ({message}). Try again later (finished "
            f"files are kept), or {request.use_copy}"
        )
    if status == FORBIDDEN:
        return (
            f"the hub forbids it ({_one_line(answer)}). Ask for access on its page, and give the "
            "token of `hf auth login` the right to read gated repositories"
        )
    return ""


def _network_advice(error: Exception, message: str, request: Request) -> str:
    if not _class_names(error) & UNREACHABLE:
        return ""
    return (
        f"not in the cache, and the hub cannot be reached ({message}). Load it once with a "
        f"network (finished files are kept), or {request.use_copy}"
    )


def _files_advice(error: Exception, message: str, request: Request) -> str:
    if not request.files_key:
        return ""
    if isinstance(error, FileNotFoundError):
        return f"it has none of the files asked for ({message}). Set {request.files_key}"
    problem = content_problem(error)
    if problem and request.broken_file:
        # The cache's file is a link: the file behind it must go, or it is not fetched again.
        return (
            f"{request.broken_file} is damaged or incomplete ({problem}). "
            f"Remove {request.broken_file.resolve()} and fetch it again"
        )
    if problem:
        return f"one of its files is damaged or incomplete ({problem}). Fetch it again"
    return ""


def _class_names(error: Exception) -> set[str]:
    """Names of the classes, and of their bases, of the error and its causes."""
    return {base.__name__ for cause in causes(error) for base in type(cause).__mro__}


def _http_status(error: BaseException) -> int:
    """HTTP status of the response that an error carries; 0 if it carries none."""
    return getattr(getattr(error, "response", None), "status_code", 0)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
