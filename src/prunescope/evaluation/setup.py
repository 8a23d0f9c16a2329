"""The models of a study, opened and checked before anything long runs."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation.evaluate import check_all
from prunescope.methods import Method


def checkpoint(name: str, model: Mapping[str, Any], execution: Mapping[str, Any]) -> Checkpoint:
    """The checkpoint of a study's model.

    model: its settings in the study; execution: `Study.execution`. InputError if the weights do not
    have the digest that the settings name.
    """
    device = execution["device"]
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    numerics = {key: execution[key] for key in ("dtype", "attn", "numerics")}
    opened = Checkpoint(name, model["path"], model["sha256"], **numerics, device=device)
    opened.verify()
    return opened


def check_methods(source: Checkpoint, methods: Iterable[Method]) -> None:
    """Raise InputError unless every method fits the model, whose weights are not loaded."""
    try:
        check_all(source.skeleton(), methods)
    except InputError as error:
        raise InputError(f"models.{source.name}: {error}") from None
