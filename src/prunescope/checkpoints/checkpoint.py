"""A model on disk: which weights, loaded how."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForImageTextToText, ProcessorMixin

# known to from_pretrained from here on
import prunescope.architectures.dinosiglip
import prunescope.architectures.llama_2d  # noqa: F401
from prunescope.checkpoints import stock
from prunescope.checkpoints.feather_numerics import round_rotary
from prunescope.engine.masks import check_backend
from prunescope.errors import InputError
from prunescope.hub.integrity import MODEL, SETTINGS, check_folder, check_loaded, check_weights
from prunescope.hub.origins import MARKER, origin

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
NUMERICS = ["exact", "feather"]
LIBRARIES = ("torch", "transformers")


@dataclass(frozen=True)
class Checkpoint:
    """A folder in the standard layout of transformers, and the numerics it is run with.

    name: how records call it; sha256: digest that the weights must have, if given. So must a
    file `weights.sha256` in the folder, as `sha256sum` writes it. InputError says what is wrong
    before anything is loaded. numerics: "exact", or "feather" for RoPE in bfloat16 (see
    `prunescope.checkpoints.feather_numerics`).
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
        where = f"model {self.name!r}"
        if self.dtype not in DTYPES:
            raise InputError(f"{where}: dtype: {self.dtype!r} is not one of {sorted(DTYPES)}")
        if self.numerics not in NUMERICS:
            raise InputError(f"{where}: numerics: {self.numerics!r} is not one of {NUMERICS}")
        check_backend(self.attn)
        check_folder(self.path, MODEL, f"{where}: path")
        check_weights(self.path, where)
        for expected, source in self._expected(where):
            if expected != self.weights:
                raise InputError(
                    f"{where}: {self.path}: the weights have SHA-256 {self.weights}, "
                    f"{source} says {expected}"
                )

    @cached_property
    def weights(self) -> str:
        """SHA-256 of the weights file; of several, of what `sha256sum` prints for them."""
        files = sorted(self.path.glob("*.safetensors"))
        return _sha256(files[0]) if len(files) == 1 else _sha256_of_all(files)

    @cached_property
    def settings(self) -> str:
        """SHA-256 of the files of configuration, tokenizer, processor and chat template."""
        files = {file for pattern in SETTINGS for file in self.path.glob(pattern)}
        return _sha256_of_all(sorted(files - {self.path / MARKER}))

    def to_dict(self) -> dict[str, Any]:
        """All that determines a record, as plain data."""
        numerics = {"dtype": self.dtype, "attn": self.attn, "numerics": self.numerics}
        computed = {"device": self.device.split(":")[0]} | {n: version(n) for n in LIBRARIES}
        return {"weights": self.weights, "settings": self.settings} | numerics | computed

    def load(self) -> tuple[nn.Module, ProcessorMixin]:
        """Model and processor, ready to generate; prompts are padded on the left. InputError if
        they need code that is not of transformers, a device or a package that is not here, or
        weights that the files do not have."""
        where = f"model {self.name!r}"
        _check_device(self.device)
        model = self._model(where)
        if self.numerics == "feather":
            round_rotary(model)
        processor = stock.processor(self.path, where)
        processor.tokenizer.padding_side = "left"
        return model.eval().to(self.device), processor

    def _model(self, where: str) -> nn.Module:
        config = stock.config(self.path, where)
        try:
            model, found = AutoModelForImageTextToText.from_pretrained(
                self.path,
                config=config,
                dtype=DTYPES[self.dtype],
                attn_implementation=self.attn,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are told with those that are missing
                **stock.STOCK,
            )
        except ImportError as error:  # of attention kernels
            said = " ".join(str(error).split())
            raise InputError(f"attn: {self.attn} does not work here: {said}") from None
        check_loaded(self.path, found, where)
        return model

    def skeleton(self) -> nn.Module:
        """The model without its weights, on the meta device: to check what fits it."""
        config = stock.config(self.path, "path")
        with torch.device("meta"):
            return AutoModelForImageTextToText.from_config(config, attn_implementation=self.attn)

    def manifest(self) -> dict[str, Any]:
        """How a result came about."""
        came = origin(self.path)
        known = {"origin": ", ".join(came)} if came else {}
        exact = {"device": self.device, "prunescope": version("prunescope")}
        return {"model": self.name} | known | self.to_dict() | exact

    def _expected(self, where: str) -> list[tuple[str, str]]:
        """The digests that the weights must have, and who says so."""
        recorded = self.path / "weights.sha256"
        found = [(self.sha256, "the configuration")] if self.sha256 else []
        if recorded.is_file():
            found.append((recorded.read_text().split()[0], str(recorded)))
        return found


def _check_device(device: str) -> None:
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(
            f"device: {device}, but torch {version('torch')} finds no GPU here. Set device: cpu, "
            "or install a torch for the GPU's driver"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_all(paths: list[Path]) -> str:
    lines = [f"{_sha256(path)}  {path.name}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
