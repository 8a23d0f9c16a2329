"""A tiny random model on disk, with a chat template and a tokenizer that knows all choices."""

from pathlib import Path
from string import ascii_uppercase

from helpers.testbed_model import SPECIAL, build_processor
from helpers.tiny_llava import build_llava

WORDS = ["<unk>", "Yes", "No", "True", "False", *ascii_uppercase[:16]]
VOCABULARY = SPECIAL | {word: i for i, word in enumerate(WORDS, start=2)}
TEMPLATE = (
    "{% for part in messages[0].content %}"
    "{% if part.type == 'image' %}<image> {% else %}In: {{ part.text }} Out:{% endif %}"
    "{% endfor %}"
)


def save_model(folder: Path) -> Path:
    """Write a LLaVA of random weights with a chat template; 6 x 6 visual tokens."""
    build_llava().save_pretrained(folder)
    processor = build_processor(VOCABULARY)
    processor.chat_template = TEMPLATE
    processor.save_pretrained(folder)
    return folder
