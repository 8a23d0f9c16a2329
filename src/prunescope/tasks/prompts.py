"""Examples -> batches of prompts, as a task's card asks."""

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

BICUBIC = 3  # value of PIL.Image.Resampling.BICUBIC; PIL is imported late
# Mean of the pixels that CLIP was trained on. LLaVA-1.5 pads with it.
PADDING = (122, 116, 104)


def batches(
    examples: "Dataset", task: Task, processor: "ProcessorMixin", size: int
) -> Iterator["Dataset"]:
    """Yield batches of at most `size` examples, the shortest prompts first.

    Prompts of similar length need little padding, and batches without padding run faster.
    """
    if not len(examples):  # an empty shard; tokenizers refuse empty lists
        return
    texts = [task.ask(example) for example in examples.remove_columns("image")]
    lengths = [len(ids) for ids in processor.tokenizer(texts)["input_ids"]]
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), size):
        yield examples.select(order[start : start + size])


def prompts(batch: "Dataset", task: Task, processor: "ProcessorMixin") -> "BatchFeature":
    """Keyword arguments of the model's forward for a batch, padded on the left."""
    images = pictures(batch)
    if task.padded:
        images = [square(image) for image in images]
    if task.resize:
        images = [image.resize((task.resize,) * 2, resample=BICUBIC) for image in images]
    texts = [task.ask(example) for example in batch.remove_columns("image")]
    return encode(images, texts, processor, task.chat)


def pictures(batch: "Dataset") -> list["Image"]:
    """The images in RGB, with the pixels as they are stored: EXIF does not turn them."""
    return [to_rgb(stored) for stored in undecoded(batch)["image"]]


def square(image: "Image") -> "Image":
    """The image centred in a square with the length of its longer side."""
    from PIL import ImageOps

    return ImageOps.pad(image, (max(image.size),) * 2, color=PADDING)


def sizes(batch: "Dataset", inputs: Mapping[str, Any], processor: Any) -> list[tuple[int, int]]:
    """Width and height of each image in pixels, as the model sees it.

    Processors of Qwen2-VL and its successors resize images to whole patches, and answers use that
    size. inputs: of the batch, from `prompts`.
    """
    if "image_grid_thw" not in inputs:
        return [open_image(stored).size for stored in undecoded(batch)["image"]]
    patch = processor.image_processor.patch_size
    return [(int(w) * patch, int(h) * patch) for _, h, w in inputs["image_grid_thw"].tolist()]
