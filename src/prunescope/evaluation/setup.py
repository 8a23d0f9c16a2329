"""The models of a study, opened and checked before anything long runs."""

from collections.abc import Mapping
from typing import Any

from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.hub import origins
from prunescope.study.config import methods
from prunescope.study.yaml_files import Config


def checkpoint(name: str, model: Mapping[str, Any], run: Mapping[str, Any]) -> "Checkpoint":
    """The model of this name, `model` and `run` as a complete configuration has them; InputError
    if its weights are not those with the digest."""
    import torch

    from prunescope.checkpoints.checkpoint import Checkpoint

    device = run["device"]
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    numerics = {key: run[key] for key in ("dtype", "attn", "numerics")}
    return Checkpoint(name, model["path"], model["sha256"], **numerics, device=device)


def check_models(config: Config, source: str) -> None:
    """Raise InputError unless every method fits every model, and the weights are those named.

    A model that is not there yet is no concern: `model_files` says so where one is needed, or
    `download` fetches it.
    """
    from prunescope.evaluation.evaluate import check_all
    from prunescope.methods import parse_methods

    parsed = parse_methods(methods(config, source), source)
    present = {k: v for k, v in config["models"].items() if origins.is_there(v)}
    for name, model in present.items():
        try:
            check_all(checkpoint(name, model, config).skeleton(), parsed.values())
        except InputError as error:
            raise InputError(f"{source}: models.{name}: {error}") from None
