"""The model that a command names: a folder, or a repository of the Hugging Face hub."""

from pathlib import Path

import torch

from prunescope.checkpoints import stock
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.loaded import Loaded
from prunescope.errors import InputError
from prunescope.hub.advice import Request, advice
from prunescope.hub.integrity import MODEL, SETTINGS
from prunescope.hub.snapshot import fetch

OPTION = "--model"


def load(name: str, revision: str, device: str, dtype: str | None) -> Loaded:
    """Model and processor of a folder or a repository, ready to generate.

    device: "auto" takes a GPU if there is one. dtype: None is float32 on a CPU, bfloat16 elsewhere.
    InputError says what is wrong with the model, before its weights are fetched where it can.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    dtype = dtype or ("float32" if device == "cpu" else "bfloat16")
    folder = Path(name) if Path(name).is_dir() else _fetch(name, revision)
    return Checkpoint(name, folder, dtype=dtype, device=device).load()


def _fetch(repository: str, revision: str) -> Path:
    """Snapshot of a repository in the hub's cache; its configuration is checked first."""
    try:
        folder = fetch(repository, revision, ["config.json"])
        stock.load_config(folder, f"{OPTION}: {repository}")
        return fetch(repository, revision, [*MODEL, *SETTINGS], ignore_patterns="*/*")
    except InputError:
        raise
    except Exception as error:  # raised by huggingface_hub, the network or the disk
        request = Request("model", revision, "--revision", f"give a folder as {OPTION}")
        reason = advice(error, request)
        raise InputError(f"{OPTION}: {repository}: {reason}") from error
