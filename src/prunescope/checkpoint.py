"""A model on disk: which weights, loaded how."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoProcessor,
    PreTrainedConfig,
    ProcessorMixin,
)

# known to from_pretrained from here on
import prunescope.dinosiglip
import prunescope.testbed.llama_2d  # noqa: F401
from prunescope.engine.masks import check_backend
from prunescope.errors import InputError
from prunescope.intact import check_processor, check_settings, check_weights, lacks
from prunescope.numerics import round_rotary
from prunescope.origins import MARKER, origin

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
NUMERICS = ["exact", "feather"]
LIBRARIES = ("torch", "transformers")
# Nothing is fetched, and no code of a checkpoint's own is run, nor is anyone asked whether it may.
STOCK = {"local_files_only": True, "trust_remote_code": False}


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
                raise InputError(f"{where}: path: {self.path} {lacks(pattern)}")
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
        files = {*self.path.glob("*.json"), *self.path.glob("*.jinja")}
        return _sha256_of_all(sorted(files - {self.path / MARKER}))

    def to_dict(self) -> dict[str, Any]:
        """All that determines a record, as plain data."""
        numerics = {"dtype": self.dtype, "attn": self.attn, "numerics": self.numerics}
        computed = {"device": self.device.split(":")[0]} | {n: version(n) for n in LIBRARIES}
        return {"weights": self.weights, "settings": self.settings} | numerics | computed

    def load(self) -> tuple[nn.Module, ProcessorMixin]:
        """Model and processor, ready to generate; prompts are padded on the left. InputError if
        they need code that is not of transformers."""
        where = f"model {self.name!r}"
        model = AutoModelForImageTextToText.from_pretrained(
            self.path,
            config=stock_config(self.path, where),
            dtype=DTYPES[self.dtype],
            attn_implementation=self.attn,
            **STOCK,
        )
        if self.numerics == "feather":
            round_rotary(model)
        processor = _stock(AutoProcessor, self.path, where)
        processor.tokenizer.padding_side = "left"
        return model.eval().to(self.device), processor

    def skeleton(self) -> nn.Module:
        """The model without its weights, on the meta device: to check what fits it."""
        config = stock_config(self.path, "path")
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


def stock_config(folder: Path, where: str) -> PreTrainedConfig:
    """The configuration of the model in a folder. InputError, which begins with `where`, if
    transformers has no class for it, as for models that bring code of their own."""
    return _stock(AutoConfig, folder, where)


def _stock(auto: Any, folder: Path, where: str) -> Any:
    try:
        return auto.from_pretrained(folder, **STOCK)
    except (OSError, ValueError) as error:
        check_settings(folder, where)
        if auto is AutoProcessor:
            check_processor(folder, where)
        said = str(error).split("\n")[0]
        raise InputError(
            f"{where}: {folder}: transformers has no class of its own for it ({said}). Code that "
            "comes with a model is never run: give a stock model, often one in -hf"
        ) from None
    except ImportError as error:  # of torchvision, say, which some processors need
        said = " ".join(str(error).split())
        raise InputError(f"{where}: {folder}: its processor needs a package: {said}") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256_of_all(paths: list[Path]) -> str:
    lines = [f"{_sha256(path)}  {path.name}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
