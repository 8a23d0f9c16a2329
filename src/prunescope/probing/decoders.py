"""Decoders that are probed: of a folder with a language model, or of a VLM; trained, or not."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
)

# Importing this makes its models known to `from_pretrained`.
import prunescope.architectures.llama_2d  # noqa: F401
from prunescope.checkpoints.checkpoint import DTYPES
from prunescope.checkpoints.stock import STOCK
from prunescope.errors import InputError
from prunescope.hub.integrity import MODEL, check_folder, check_weights
from prunescope.models import family_of
from prunescope.models.llama import like_llama


@dataclass(frozen=True)
class Decoder:
    """A folder in the standard layout of transformers, whose text model is probed.

    name: how results call it. trained: false for the architecture with random weights, as
    transformers initialises them. device: "auto" for a GPU if there is one.

    InputError for a folder without weights, and for a text model that is not built like Llama.
    """

    name: str
    path: Path
    trained: bool = True
    dtype: str = "float32"
    device: str = "cpu"

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if self.device == "auto":
            object.__setattr__(self, "device", "cuda" if torch.cuda.is_available() else "cpu")
        check_folder(self.path, MODEL, f"{self._label}: path")
        check_weights(self.path, self._label)

    @property
    def _label(self) -> str:
        """Beginning of error messages."""
        return f"probe.decoders.{self.name}"

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self._stock(AutoTokenizer)

    def load(self, seed: int) -> nn.Module:
        """The text model, ready to run. seed: of the random weights of an untrained one."""
        config = self._stock(AutoConfig)
        sees = type(config) in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING
        auto = AutoModelForImageTextToText if sees else AutoModel
        model = self._stock(auto, dtype=DTYPES[self.dtype]) if self.trained else None
        if model is None:
            model = _untrained(auto, config, seed).to(DTYPES[self.dtype])
        decoder = family_of(model).decoder(model) if sees else like_llama(model)
        return decoder.eval().to(self.device)

    def _stock(self, auto: Any, **options: Any) -> Any:
        try:
            return auto.from_pretrained(self.path, **STOCK, **options)
        except (ImportError, OSError, ValueError) as error:
            reason = str(error).split("\n")[0]
            raise InputError(f"{self._label}: {self.path}: {reason}") from None


def _untrained(auto: Any, config: PreTrainedConfig, seed: int) -> nn.Module:
    """A model with random weights; the global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return auto.from_config(config)


def word_vectors(decoder: nn.Module, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """(words, dim) float32 embeddings of all tokens but the special ones, on the CPU."""
    table = decoder.get_input_embeddings().weight.detach().float().cpu()
    special = set(tokenizer.all_special_ids)
    ids = [i for i in range(min(len(tokenizer), len(table))) if i not in special]
    return table[ids]
