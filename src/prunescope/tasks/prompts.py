"""Examples -> what a model is given: batches of prompts, as a task's card asks."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from prunescope.tasks.card import Task
from prunescope.tasks.encoding import encode
from prunescope.tasks.sources.images import open_image, to_rgb, undecoded

if TYPE_CHECKING:
    from datasets import Dataset
    from PIL.Image import Image
    from transformers import BatchFeature, ProcessorMixin

BICUBIC = 3  # of PIL.Image.Resampling, which is imported where images are
# The mean of the pixels that CLIP was trained on, which LLaVA-1.5 pads with.
PADDING = (122, 116, 104)


def batches(
    examples: "Dataset", task: Task, processor: "ProcessorMixin", size: int
) -> Iterator["Dataset"]:
    """Prompts of like length together: little padding, and what is not padded is faster."""
    if not len(examples):  # of an empty shard, which a tokenizer does not take
        return
    texts = [task.ask(example) for example in examples.remove_columns("image")]
    lengths = [len(ids) for ids in processor.tokenizer(texts)["input_ids"]]
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), size):
        yield examples.select(order[start : start + size])


def prompts(batch: "Dataset", task: Task, processor: "ProcessorMixin") -> "BatchFeature":
    """The keyword arguments of the model's forward, padded on the left."""
    images = pictures(batch)
    if task.padded:
        images = [square(image) for image in images]
    if task.resize:
        images = [image.resize((task.resize,) * 2, resample=BICUBIC) for image in images]
    text = [task.ask(example) for example in batch.remove_columns("image")]
    return encode(images, text, processor, task.chat)


def pictures(batch: "Dataset") -> list["Image"]:
    """The images in RGB, turned as their pixels are stored."""
    return [to_rgb(each) for each in undecoded(batch)["image"]]


def square(image: "Image") -> "Image":
    """The image in the middle of a square of its longer side."""
    from PIL import ImageOps

    return ImageOps.pad(image, (max(image.size),) * 2, color=PADDING)


def sizes(batch: "Dataset", inputs: Mapping[str, Any], processor: Any) -> list[tuple[int, int]]:
    """Width and height in pixels of each image: where the processor makes them fit its patches,
    as it does so (Qwen2-VL and what came of it), else as they are."""
    if "image_grid_thw" not in inputs:
        return [open_image(each).size for each in undecoded(batch)["image"]]
    patch = processor.image_processor.patch_size
    return [(int(w) * patch, int(h) * patch) for _, h, w in inputs["image_grid_thw"].tolist()]
