"""Conversion of Prismatic VLMs (arXiv 2402.07865), FEATHER's models, to LLaVA of transformers."""

import logging
from pathlib import Path

from torch import nn

from prunescope.checkpoints.checkpoint import DTYPES
from prunescope.checkpoints.prismatic.configuration import configure
from prunescope.checkpoints.prismatic.model import assemble
from prunescope.checkpoints.prismatic.processor import build_processor, greedy_decoding
from prunescope.checkpoints.prismatic.settings import check_settings
from prunescope.checkpoints.prismatic.tokenizer import read_tokenizer
from prunescope.checkpoints.prismatic.vision import load_towers
from prunescope.checkpoints.prismatic.weights import load_trained
from prunescope.errors import InputError
from prunescope.hub.disk import free_bytes

__all__ = ["convert"]

log = logging.getLogger(__name__)


def convert(
    checkpoint: Path | str,
    out: Path | str,
    *,
    vision: Path | str,
    tokenizer: Path | str,
    dino: Path | str | None = None,
    dtype: str | None = None,
    max_shard_size: str = "5GB",
) -> None:
    """Write a checkpoint of TRI-ML/prismatic-vlms as a folder for `from_pretrained`.

    checkpoint: run folder with `config.json` and `checkpoints/latest-checkpoint.pt`.
    vision: weights of SigLIP, which is frozen and not in the checkpoint: a folder of
    google/siglip-so400m-patch14-384, or its safetensors file with names of timm or OpenCLIP.
    tokenizer: folder of the Llama-2 tokenizer, with `tokenizer.json`.
    dino: weights of DINOv2, for a checkpoint with two towers: a folder of
    facebook/dinov2-with-registers-large, or its safetensors file with names of timm.
    dtype: of the weights, "float32", "bfloat16" or "float16"; None keeps the checkpoint's.
    max_shard_size: of one file of weights.

    Tensors are mapped from the files, not read at once; another dtype needs one copy in memory.
    InputError for wrong input, before anything is written.
    """
    checkpoint, out = Path(checkpoint), Path(out)
    if dtype not in (None, *DTYPES):
        raise InputError(f"dtype: {dtype!r} is not one of {sorted(DTYPES)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists already and is not an empty folder")
    check_settings(checkpoint / "config.json", dino)
    llama = read_tokenizer(Path(tokenizer))
    log.info("reading %s, %s", checkpoint, ", ".join(map(str, filter(None, (vision, dino)))))
    tensors = load_trained(checkpoint / "checkpoints" / "latest-checkpoint.pt")
    tensors |= load_towers(Path(vision), dino and Path(dino))
    config = configure(tensors, llama)
    model = assemble(config, tensors, DTYPES.get(dtype))
    model.generation_config = greedy_decoding(llama)
    log.info(
        "writing %s: %.2f billion weights in %s", out, model.num_parameters() / 1e9, model.dtype
    )
    _check_space(out, model)
    model.save_pretrained(out, max_shard_size=max_shard_size)
    build_processor(llama, config).save_pretrained(out)


def _check_space(out: Path, model: nn.Module) -> None:
    """Raise InputError if the disk of `out` has too little room for the model's weights."""
    size = sum(weight.nbytes for weight in model.parameters())
    free = free_bytes(out)
    if size > free:
        raise InputError(
            f"{out}: the disk is full: {size / 1e9:.2f} GB to write, {free / 1e9:.2f} GB are free. "
            "Make room, or write to another disk"
        )
