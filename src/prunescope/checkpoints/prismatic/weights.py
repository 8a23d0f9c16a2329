"""Tensors of a Prismatic checkpoint, under the names of LLaVA."""

import re
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from prunescope.errors import InputError

Tensors = dict[str, Tensor]
Rules = Sequence[tuple[str, str]]  # pattern at the start of a name, its replacement

CHECKPOINT: Rules = (
    (r"projector\.projector\.0\.", "model.multi_modal_projector.linear_1."),
    (r"projector\.projector\.2\.", "model.multi_modal_projector.linear_2."),
    (r"projector\.projector\.4\.", "model.multi_modal_projector.linear_3."),
    (r"llm_backbone\.llm\.model\.", "model.language_model."),
    (r"llm_backbone\.llm\.lm_head\.", "lm_head."),
)


def load_trained(path: Path) -> Tensors:
    """Weights of projector and language model in `latest-checkpoint.pt`, mapped from the file.

    Only tensors are read from the pickle; InputError for anything else in it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{path}: must be a zip archive of tensors and nothing else: {reason}"
        ) from None
    match stored:
        case {"model": {"projector": dict(), "llm_backbone": dict()} as modules}:
            tensors = {
                f"{module}.{name}": tensor
                for module, weights in modules.items()
                for name, tensor in weights.items()
            }
            return rename_all(tensors, CHECKPOINT)
    raise InputError(f"{path}: expected {{'model': {{'projector': ..., 'llm_backbone': ...}}}}")


def rename_all(tensors: Tensors, rules: Rules) -> Tensors:
    """The tensors under their new names; see `rename`."""
    return {rename(name, rules): tensor for name, tensor in tensors.items()}


def rename(name: str, rules: Rules) -> str:
    """The name changed by the first rule that fits its beginning; unchanged if none fits."""
    for pattern, replacement in rules:
        result, count = re.subn(f"^{pattern}", replacement, name)
        if count:
            return result
    return name


def shape_of(tensors: Tensors, name: str, axes: int) -> torch.Size:
    """Shape of the tensor of that name; InputError unless it exists and has so many axes."""
    if name not in tensors:
        raise InputError(f"weights: {name} is missing")
    if tensors[name].ndim != axes:
        raise InputError(f"weights: {name} has {tensors[name].ndim} axes, not {axes}")
    return tensors[name].shape
