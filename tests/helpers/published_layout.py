"""Tiny models in the layout of published repositories.

Names of weights, configurations and processors are those of the releases of transformers that the
published models were made with.
"""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from transformers import PROCESSOR_MAPPING, ProcessorMixin

from helpers.families import CASES, Case

# Text that each family's chat template writes for an image.
IMAGES = {
    "gemma3": "<start_of_image>",
    "idefics3": "<image>",
    "internvl": "<IMG_CONTEXT>",
    "llava": "<image>",
    "llava_next": "<image>",
    "llava_onevision": "<image>",
    "paligemma": "<image>",
    "qwen2_5_vl": "<|vision_start|><|image_pad|><|vision_end|>",
    "qwen2_vl": "<|vision_start|><|image_pad|><|vision_end|>",
    "qwen3_vl": "<|vision_start|><|image_pad|><|vision_end|>",
    "smolvlm": "<image>",
}
# Settings of a processor; the tests' processors of class `ImagesOnly` do not save them.
OWN = ("image_seq_length", "num_image_tokens", "vision_aspect_ratio")
OWN += ("vision_feature_select_strategy",)
TEMPLATE = (
    "{{% for part in messages[0].content %}}"
    "{{% if part.type == 'image' %}}{image} {{% else %}}{{{{ part.text }}}}{{% endif %}}"
    "{{% endfor %}}"
)
# Families whose weights have the tower one level deeper.
INNER = ("gemma3", "llava", "llava_next", "llava_onevision", "paligemma")
# Families published without a head: its weights are the embeddings'.
TIED = ("gemma3", "paligemma")
# Families whose configuration has the language model's sizes at the top, and whose processor has no
# file of its own.
FLAT = ("qwen2_5_vl", "qwen2_vl")
VIDEOS = {
    "internvl": "InternVLVideoProcessor",
    "llava_onevision": "LlavaOnevisionVideoProcessor",
    "qwen3_vl": "Qwen3VLVideoProcessor",
    "smolvlm": "SmolVLMVideoProcessor",
}
PUBLISHED = {case.name: case for case in CASES if case.name in IMAGES}


def save(case: Case, folder: Path) -> Path:
    """Write the model and processor of a family."""
    model, processor = case.build("sdpa"), case.processor()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    _rename(case, folder / "model.safetensors")
    _write(folder / "config.json", _config(case, _read(folder / "config.json")))
    named = {"processor_class": PROCESSOR_MAPPING[type(model.config)].__name__}
    _write(folder / "tokenizer_config.json", _read(folder / "tokenizer_config.json") | named)
    _split(case, folder, named, processor)
    template = {"chat_template": TEMPLATE.format(image=IMAGES[case.name])}
    _write(folder / "chat_template.json", template)
    return folder


def _rename(case: Case, file: Path) -> None:
    weights = load_file(file)
    if case.name in TIED:
        del weights["language_model.lm_head.weight"]
    if case.name in INNER:
        old, new = "vision_tower.", "vision_tower.vision_model."
        weights = {name.replace(old, new): tensor for name, tensor in weights.items()}
    save_file(weights, file, {"format": "pt"})


def _config(case: Case, config: dict[str, Any]) -> dict[str, Any]:
    text = config.pop("text_config")
    rope = text.pop("rope_parameters")
    text.pop("layer_types", None)
    if "rope_theta" in rope:
        text["rope_theta"] = rope["rope_theta"]
    if "mrope_section" in rope:
        kind = {"type": "mrope"} if case.name in FLAT else {"rope_type": "default"}
        text["rope_scaling"] = kind | {"mrope_section": rope["mrope_section"]}
    config["vision_config"].pop("rope_parameters", None)
    config["torch_dtype"] = config.pop("dtype")
    if case.name in TIED:
        del config["tie_word_embeddings"], text["tie_word_embeddings"]
    if case.name not in FLAT:
        return config | {"text_config": text}
    del text["model_type"]
    config["vision_config"]["in_chans"] = config["vision_config"].pop("in_channels")
    return text | config


def _split(case: Case, folder: Path, named: dict[str, str], processor: ProcessorMixin) -> None:
    """Split the processor's file: processors of images and of videos had files of their own."""
    whole = _read(folder / "processor_config.json")
    whole |= {name: vars(processor)[name] for name in OWN if name in vars(processor)}
    if case.name in VIDEOS:
        videos = {"video_processor_type": VIDEOS[case.name]} | named
        _write(folder / "video_preprocessor_config.json", videos)
    images = whole.pop("image_processor") | named
    images["image_processor_type"] = images["image_processor_type"].removesuffix("Pil")
    _write(folder / "preprocessor_config.json", images)
    if case.name in FLAT:
        (folder / "processor_config.json").unlink()
    else:
        _write(folder / "processor_config.json", whole | named)


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


def _write(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content))
