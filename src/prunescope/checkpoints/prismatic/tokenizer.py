"""Tokenizer of Llama-2 as Prismatic extends it, with <image> added."""

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from prunescope.errors import InputError

PAD, IMAGE = "<PAD>", "<image>"
CONTEXT = 2048  # tokens in training
MULTIPLE = 64  # rows of the embedding are padded to a multiple of it


def read_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a folder, with <PAD> added as in the original, and then <image>.

    InputError if there is none, or if it reads prompts differently from the original.
    """
    if not (folder / "tokenizer.json").is_file():
        raise InputError(f"{folder}: there is no tokenizer.json; expected a folder of Llama-2")
    # From the file alone: LlamaTokenizer would build one that reads text after <image> differently.
    tokenizer = PreTrainedTokenizerFast.from_pretrained(
        folder, padding_side="left", model_max_length=CONTEXT
    )
    tokenizer.add_special_tokens({"pad_token": PAD})
    tokenizer.add_tokens(IMAGE, special_tokens=True)
    prompt = "In: a\nOut:"
    first, *others = tokenizer(prompt).input_ids
    after_image = tokenizer(IMAGE + prompt).input_ids
    image = tokenizer.convert_tokens_to_ids(IMAGE)
    if first != tokenizer.bos_token_id or after_image != [first, image, *others]:
        raise InputError(
            f"{folder}: expected a tokenizer that puts {tokenizer.bos_token} first and reads text "
            f"after {IMAGE} in the same way as at the start, like that of Llama-2"
        )
    return tokenizer


def check_rows(tokenizer: PreTrainedTokenizerFast, rows: int) -> None:
    """Raise InputError unless an embedding with so many rows fits this tokenizer.

    <image> must take one of the padding rows of the embedding: these are never looked up, and
    their logits stay as in the original.
    """
    original = len(tokenizer) - 1  # without <image>
    if -(-original // MULTIPLE) * MULTIPLE != rows or original == rows:
        raise InputError(
            f"the embedding has {rows} rows; the tokenizer's {original} tokens (with {PAD}) and "
            f"{IMAGE} need the next multiple of {MULTIPLE}"
        )
