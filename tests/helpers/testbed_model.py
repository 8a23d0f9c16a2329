"""A tiny random model on disk, built like the testbed's, and random examples for it."""

from pathlib import Path

import numpy as np
from datasets import Dataset, Features, Image, List, Value
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import LlavaProcessor, PreTrainedTokenizerFast, SiglipImageProcessorPil

from helpers.tiny_llava import IMAGE_TOKEN, PAD_TOKEN, build_llava

SPECIAL = {"<eos>": 0, "<bos>": 1, "<image>": IMAGE_TOKEN, "<pad>": PAD_TOKEN}
WORDS = ["In:", "Out:", "is", "there", "a", "red", "blue", "circle", "square", "yes", "no", "<unk>"]
VOCABULARY = SPECIAL | {word: i for i, word in enumerate([*map(str, range(32)), *WORDS], start=2)}
PROMPT = "<image> In: {question} Out:"


def save_model(folder: Path, seed: int = 0) -> Path:
    """Write model, tokenizer and processor; 6 x 6 visual tokens, 6 layers."""
    build_llava(seed).save_pretrained(folder)
    build_processor().save_pretrained(folder)
    return folder


def build_processor(vocabulary: dict[str, int] = VOCABULARY) -> LlavaProcessor:
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", 1)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>", bos_token="<bos>", eos_token="<eos>", unk_token="<unk>",
        additional_special_tokens=["<image>"], padding_side="left",
    )  # fmt: skip
    image_processor = SiglipImageProcessorPil(size={"height": 24, "width": 24})
    return LlavaProcessor(
        image_processor, tokenizer, patch_size=4, vision_feature_select_strategy="full"
    )


def random_examples(count: int, seed: int = 0) -> Dataset:
    """Two questions of different lengths about each of count / 2 random images."""
    draw = np.random.default_rng(seed)
    pictures = draw.integers(0, 256, (count, 24, 24, 3), dtype=np.uint8)
    questions = ["is there a red circle", "is there a square"]
    rows = [
        {
            "id": f"example-{i}", "image_id": f"image-{i // 2}", "image": pictures[i // 2],
            "question": questions[i % 2], "answer": "yes", "box": [0.1, 0.1, 0.5, 0.5],
            "kind": "present",
        }
        for i in range(count)
    ]  # fmt: skip
    text = {name: Value("string") for name in ("id", "image_id", "question", "answer", "kind")}
    return Dataset.from_list(
        rows, Features(text | {"image": Image(), "box": List(Value("float32"))})
    )
