"""A model on disk: which weights, loaded how."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForImageTextToText, AutoProcessor, ProcessorMixin

# known to from_pretrained from here on
import prunescope.dinosiglip
import prunescope.testbed.llama_2d  # noqa: F401
from prunescope.engine.masks import check_backend
from prunescope.errors import InputError
from prunescope.numerics import round_rotary

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
NUMERICS = ["exact", "feather"]
LIBRARIES = ("torch", "transformers", "prunescope")


@dataclass(frozen=True)
class Checkpoint:
    """A folder in the standard layout of transformers, and the numerics it is run with.

    name: how records call it; sha256: digest that the weights must have, if given. So must a
    file `weights.sha256` in the folder, as `sha256sum` writes it. InputError says what is wrong
    before anything is loaded. numerics: "exact", or "feather" for RoPE in bfloat16 (see
    `prunescope.numerics`).
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
        for pattern in ("config.json", "*.safetensors"):
            if not any(self.path.glob(pattern)):
                raise InputError(f"{where}: path: there is no file {self.path / pattern}")
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
        files = [*self.path.glob("*.json"), *self.path.glob("*.jinja")]
        return _sha256_of_all(sorted(files))

    def to_dict(self) -> dict[str, Any]:
        """All that determines a record, as plain data."""
        numerics = {"dtype": self.dtype, "attn": self.attn, "numerics": self.numerics}
        return {"weights": self.weights, "settings": self.settings} | numerics

    def load(self) -> tuple[nn.Module, ProcessorMixin]:
        """Model and processor, ready to generate; prompts are padded on the left."""
        model = AutoModelForImageTextToText.from_pretrained(
            self.path,
            dtype=DTYPES[self.dtype],
            attn_implementation=self.attn,
            local_files_only=True,
        )
        if self.numerics == "feather":
            round_rotary(model)
        processor = AutoProcessor.from_pretrained(self.path, local_files_only=True)
        processor.tokenizer.padding_side = "left"
        return model.eval().to(self.device), processor

    def manifest(self) -> dict[str, Any]:
        """How a result came about."""
        libraries = {name: version(name) for name in LIBRARIES}
        return {"model": self.name, "device": self.device} | self.to_dict() | libraries

    def _expected(self, where: str) -> list[tuple[str, str]]:
        """The digests that the weights must have, and who says so."""
        recorded = self.path / "weights.sha256"
        found = [(self.sha256, "the configuration")] if self.sha256 else []
        if recorded.is_file():
            found.append((recorded.read_text().split()[0], str(recorded)))
        return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_all(paths: list[Path]) -> str:
    lines = [f"{_sha256(path)}  {path.name}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
