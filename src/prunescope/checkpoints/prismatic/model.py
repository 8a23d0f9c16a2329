"""A LLaVA that computes what a Prismatic VLM computes."""

import torch
from transformers import AutoModelForImageTextToText, LlavaConfig, LlavaForConditionalGeneration

from prunescope.checkpoints.prismatic.configuration import DECODER
from prunescope.checkpoints.prismatic.vision import DINO_OLD_NAMES
from prunescope.checkpoints.prismatic.weights import Tensors, rename
from prunescope.errors import InputError


def assemble(
    config: LlavaConfig, tensors: Tensors, dtype: torch.dtype | None = None
) -> LlavaForConditionalGeneration:
    """The model with these tensors, which are copied only if their dtype changes.

    dtype: None takes that of the token embeddings. InputError names tensors that are missing,
    unexpected or of another shape.
    """
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    state = model.state_dict()
    # Releases of transformers name DINOv2's layers differently: match by the newest names.
    installed = {rename(name, DINO_OLD_NAMES): name for name in state}
    _check(tensors, {name: state[state_name].shape for name, state_name in installed.items()})
    dtype = dtype or tensors[f"{DECODER}embed_tokens.weight"].dtype
    named = {installed[name]: tensor.to(dtype) for name, tensor in tensors.items()}
    model.load_state_dict(named, assign=True)
    return model.eval()


def _check(tensors: Tensors, needed: dict[str, torch.Size]) -> None:
    shapes = [
        f"{name} {tuple(tensors[name].shape)}, not {tuple(shape)}"
        for name, shape in needed.items()
        if name in tensors and tensors[name].shape != shape
    ]
    wrong = {
        "missing": sorted(set(needed) - set(tensors)),
        "unexpected": sorted(set(tensors) - set(needed)),
        "of another shape": shapes,
    }
    if any(wrong.values()):
        problems = [f"{problem}: {', '.join(names)}" for problem, names in wrong.items() if names]
        raise InputError(f"weights: {'; '.join(problems)}")
