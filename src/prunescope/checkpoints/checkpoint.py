"""A model on disk: which weights, and how they are loaded."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForImageTextToText

# Importing these makes their models known to `from_pretrained`.
import prunescope.architectures.dinosiglip
import prunescope.architectures.llama_2d  # noqa: F401
from prunescope.checkpoints import stock
from prunescope.checkpoints.feather_numerics import round_rotary
from prunescope.checkpoints.loaded import Loaded
from prunescope.engine.masks import check_backend
from prunescope.errors import InputError
from prunescope.hub.integrity import MODEL, SETTINGS, check_folder, check_loaded, check_weights
from prunescope.hub.origins import MARKER, commits_of
from prunescope.provenance import file_sha256

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
NUMERICS = ["exact", "feather"]
LIBRARIES = ("torch", "transformers")


@dataclass(frozen=True)
class Checkpoint:
    """A folder in the standard layout of transformers, and the numerics that it runs with.

    name: how records call the model. sha256: digest that the weights must have (see `verify`).
    numerics: "exact", or "feather" for RoPE in bfloat16 (see `feather_numerics`).
    InputError for unknown numerics and for files that are missing; no weights are read.
    """

    name: str
    path: Path
    sha256: str | None = None
    dtype: str = "float32"
    attn: str = "sdpa"
    device: str = "cpu"
    numerics: str = "exact"

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))
        if self.dtype not in DTYPES:
            raise InputError(f"{self._label}: dtype: {self.dtype!r} is not one of {sorted(DTYPES)}")
        if self.numerics not in NUMERICS:
            raise InputError(f"{self._label}: numerics: {self.numerics!r} is not one of {NUMERICS}")
        check_backend(self.attn)
        check_folder(self.path, MODEL, f"{self._label}: path")
        check_weights(self.path, self._label)

    @property
    def _label(self) -> str:
        """Beginning of error messages."""
        return f"model {self.name!r}"

    def verify(self) -> None:
        """Raise InputError unless the weights have the digests that are expected of them.

        Expected are `sha256`, and what a file `weights.sha256` in the folder says, in the format of
        `sha256sum`. Reads all weights once, where there is such an expectation.
        """
        for expected, source in self._expected_digests():
            if expected != self.weights:
                raise InputError(
                    f"{self._label}: {self.path}: the weights have SHA-256 {self.weights}, "
                    f"{source} says {expected}"
                )

    def _expected_digests(self) -> list[tuple[str, str]]:
        """Digests of the weights, each with the place that names it."""
        recorded = self.path / "weights.sha256"
        digests = [(self.sha256, "the configuration")] if self.sha256 else []
        if recorded.is_file():
            digests.append((recorded.read_text().split()[0], str(recorded)))
        return digests

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights file; for several files, of the list that `sha256sum` prints."""
        files = sorted(self.path.glob("*.safetensors"))
        return file_sha256(files[0]) if len(files) == 1 else _sha256_of_list(files)

    @cached_property
    def settings(self) -> str:
        """SHA-256 of the files of configuration, tokenizer, processor and chat template."""
        files = {file for pattern in SETTINGS for file in self.path.glob(pattern)}
        return _sha256_of_list(sorted(files - {self.path / MARKER}))

    def to_dict(self) -> dict[str, Any]:
        """Plain data of everything in the model that determines a record."""
        numerics = {"dtype": self.dtype, "attn": self.attn, "numerics": self.numerics}
        versions = {library: version(library) for library in LIBRARIES}
        device = self.device.split(":")[0]
        digests = {"weights": self.weights, "settings": self.settings}
        return digests | numerics | {"device": device} | versions

    def manifest(self) -> dict[str, Any]:
        """Plain data on how a result was computed: `to_dict`, and where the model comes from."""
        source = commits_of(self.path)
        known = {"origin": ", ".join(source)} if source else {}
        exact = {"device": self.device, "prunescope": version("prunescope")}
        return {"model": self.name} | known | self.to_dict() | exact

    def load(self) -> Loaded:
        """The model, ready to generate, and its processor, which pads prompts on the left.

        InputError if the weights fail `verify` or are incomplete, or if the model needs code from
        outside transformers, or a device or a package that this machine lacks.
        """
        _check_device(self.device)
        self.verify()
        model = self._model()
        if self.numerics == "feather":
            round_rotary(model)
        processor = stock.load_processor(self.path, self._label)
        processor.tokenizer.padding_side = "left"
        return Loaded.of(model.eval().to(self.device), processor)

    def _model(self) -> nn.Module:
        config = stock.load_config(self.path, self._label)
        try:
            model, report = AutoModelForImageTextToText.from_pretrained(
                self.path,
                config=config,
                dtype=DTYPES[self.dtype],
                attn_implementation=self.attn,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # `check_loaded` reports them with the missing ones
                **stock.STOCK,
            )
        except ImportError as error:  # attention kernels that are not installed
            reason = " ".join(str(error).split())
            raise InputError(f"attn: {self.attn} does not work here: {reason}") from None
        check_loaded(self.path, report, self._label)
        return model

    def skeleton(self) -> nn.Module:
        """The model on the meta device, without its weights: enough to check which methods fit."""
        config = stock.load_config(self.path, "path")
        with torch.device("meta"):
            return AutoModelForImageTextToText.from_config(config, attn_implementation=self.attn)


def _check_device(device: str) -> None:
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(
            f"device: {device}, but torch {version('torch')} finds no GPU here. Set device: cpu, "
            "or install a torch for the GPU's driver"
        )


def _sha256_of_list(paths: list[Path]) -> str:
    lines = [f"{file_sha256(path)}  {path.name}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
