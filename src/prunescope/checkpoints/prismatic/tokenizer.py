"""The tokenizer of Llama-2 as Prismatic extends it, and <image>."""

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from prunescope.errors import InputError

PAD, IMAGE = "<PAD>", "<image>"
CONTEXT = 2048  # tokens in training
MULTIPLE = 64  # of which the embedding has rows


def read_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a folder, then <PAD> as the original adds it, then <image>.

    InputError if there is none, or if it would not read prompts as the original does.
    """
    if not (folder / "tokenizer.json").is_file():
        raise InputError(f"{folder}: there is no tokenizer.json; expected a folder of Llama-2")
    # By the file alone: LlamaTokenizer would build one that reads text after <image> otherwise.
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
            f"after {IMAGE} as it reads the beginning, like that of Llama-2"
        )
    return tokenizer


def check_rows(tokenizer: PreTrainedTokenizerFast, rows: int) -> None:
    """Raise InputError unless an embedding of `rows` was made for this tokenizer.

    <image> must be one of the rows that only fill up the embedding: what they hold is never
    looked up, and their logits stay what they are in the original.
    """
    original = len(tokenizer) - 1
    if -(-original // MULTIPLE) * MULTIPLE != rows or original == rows:
        raise InputError(
            f"the embedding has {rows} rows; the tokenizer's {original} tokens (with {PAD}) and "
            f"{IMAGE} need the next multiple of {MULTIPLE}"
        )
