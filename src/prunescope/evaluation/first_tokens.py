"""Multiple choice: the option whose first token the model finds most likely."""

from collections.abc import Callable, Sequence

from torch import Tensor
from transformers import PreTrainedTokenizerBase

from prunescope.errors import InputError


def choose(
    logits: Tensor,
    options: Sequence[Sequence[str]],
    ends: Sequence[int],
    first_of: Callable[[int, str], int | None],
) -> list[str]:
    """The option of each row whose first token has the largest logit; ties go to the first one.

    logits: (b, vocabulary). ends: last token of each prompt. first_of: `first_token` of a
    tokenizer. InputError if two options of a row begin with the same token, or one has no token.
    """
    chosen = []
    for row, words, end in zip(logits, options, ends, strict=True):
        firsts = [first_of(end, word) for word in words]
        tokens = [token for token in firsts if token is not None]
        if len(set(tokens)) < len(words):
            raise InputError(f"options {list(words)}: to this tokenizer they begin alike: {tokens}")
        chosen.append(words[int(row[tokens].argmax())])
    return chosen


def first_token(tokenizer: PreTrainedTokenizerBase, end: int, word: str) -> int | None:
    """First token of a word that continues a text after the token `end`; None for an empty word.

    The word follows a space, unless that token ends in white space. Byte-level tokenizers have
    different tokens for the two cases.
    """

    def encode(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False)

    context = tokenizer.decode([end])
    # After white space, a new line stands for the context: no tokenizer joins it with a word.
    start, space = (context, " ") if context[-1:].strip() else ("\n", "")
    prefix, joined = encode(start), encode(start + space + word)
    suffix = joined[len(prefix) :] if joined[: len(prefix)] == prefix else encode(word)
    return suffix[0] if suffix else None
