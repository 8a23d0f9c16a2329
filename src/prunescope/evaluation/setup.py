"""The models of a study, opened and checked before anything long runs."""

from collections.abc import Mapping
from typing import Any

import torch

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation.evaluate import check_all
from prunescope.hub import origins
from prunescope.methods import parse_methods
from prunescope.study import Study


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


def check_models(study: Study) -> None:
    """Raise InputError unless every method fits every model, and the weights are those named.

    Models that are still to be fetched are left out; their jobs check them.
    """
    methods = parse_methods(study.methods, study.source).values()
    for name, model in study.models.items():
        if not origins.is_present(model):
            continue
        try:
            check_all(checkpoint(name, model, study.execution).skeleton(), methods)
        except InputError as error:
            raise InputError(f"{study.source}: models.{name}: {error}") from None
