"""The option that an answer begins with, for tokenizers of three kinds."""

from functools import cache, partial

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from helpers.chat_model import VOCABULARY
from helpers.testbed_model import build_processor
from helpers.tiny_prismatic import save_tokenizer
from prunescope.checkpoints.prismatic.tokenizer import read_tokenizer
from prunescope.errors import InputError
from prunescope.evaluation.first_tokens import choose, first_token

WORDS = ["Yes", "No"]


@cache
def byte_level():
    """A tokenizer like those of GPT-2 and Llama-3: a word after a space is another token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges = [("Y", "e"), ("Ye", "s"), ("N", "o"), ("Ġ", "Yes"), ("Ġ", "No")]
    vocabulary = [*alphabet, *map("".join, merges)]
    bytes_of = Tokenizer(models.BPE({text: i for i, text in enumerate(vocabulary)}, merges))
    bytes_of.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    bytes_of.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=bytes_of)


def last(tokenizer, prompt):
    return tokenizer.encode(prompt, add_special_tokens=False)[-1]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [("Assistant:", ["ĠYes", "ĠNo"]), ("assistant\n", ["Yes", "No"]), ("it: ", ["Yes", "No"])],
)
def test_a_word_after_a_space_is_another_token(prompt, expected):
    tokenizer = byte_level()
    tokens = [first_token(tokenizer, last(tokenizer, prompt), word) for word in WORDS]
    assert tokenizer.convert_ids_to_tokens(tokens) == expected


def test_to_llama_a_word_begins_as_the_paper_takes_it(tmp_path):
    save_tokenizer(tmp_path / "llama")
    tokenizer = read_tokenizer(tmp_path / "llama")
    end = last(tokenizer, "In: a\nOut:")
    tokens = [first_token(tokenizer, end, word) for word in ("a", "the")]
    assert tokens == [last(tokenizer, word) for word in ("a", "the")]
    assert tokenizer.convert_ids_to_tokens(tokens) == ["▁a", "▁the"]
    space = tokenizer.convert_tokens_to_ids("▁")
    assert first_token(tokenizer, space, "a") == tokenizer.convert_tokens_to_ids("a")


def test_the_option_of_the_largest_logit_is_chosen():
    tokenizer = byte_level()
    logits = torch.zeros(2, len(tokenizer))
    logits[0, tokenizer.convert_tokens_to_ids("ĠNo")] = 1
    logits[1, tokenizer.convert_tokens_to_ids("No")] = 1  # a word that cannot follow ":"
    ends, first = [last(tokenizer, "Assistant:")] * 2, cache(partial(first_token, tokenizer))
    assert choose(logits, [WORDS] * 2, ends, first) == ["No", "Yes"]


def test_options_that_begin_alike_are_refused():
    tokenizer = build_processor(VOCABULARY).tokenizer
    first, end = partial(first_token, tokenizer), tokenizer.encode("A")[-1]
    with pytest.raises(InputError, match=r"options \['maybe', 'perhaps'\]: .* begin alike"):
        choose(torch.zeros(1, 64), [["maybe", "perhaps"]], [end], first)
    assert choose(torch.zeros(1, 64), [["No", "Yes"]], [end], first) == ["No"]
