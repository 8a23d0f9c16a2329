"""Images and texts -> the keyword arguments of a model's forward."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from transformers import BatchFeature, ProcessorMixin


def encode(
    images: Sequence["Image"], texts: Sequence[str], processor: "ProcessorMixin", chat: bool
) -> "BatchFeature":
    """Inputs of one image and one text each, padded on the left.

    chat: the texts are messages of a user, which the model's chat template wraps; otherwise they
    are the input texts themselves, with the mark of the image in them.
    """
    options = {}
    if chat:
        texts = [_templated(text, processor) for text in texts]
        # A template that writes the first token itself must not get a second one.
        first = processor.tokenizer.bos_token
        if first and texts[0].startswith(first):
            options["add_special_tokens"] = False
    # One list for each prompt: Gemma 3's processor takes a flat list as the images of one prompt.
    nested = [[image] for image in images]
    inputs = processor(images=nested, text=texts, padding=True, return_tensors="pt", **options)
    inputs.pop("labels", None)  # PaliGemma's processor makes some; prompts have no loss
    return inputs


def _templated(text: str, processor: "ProcessorMixin") -> str:
    """The text of a conversation in which the user shows the image and says `text`."""
    content = [{"type": "image"}, {"type": "text", "text": text}]
    return processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
