"""Vocabulary, prompt and word-level tokenizer of the testbed."""

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from prunescope.testbed.questions import BINS, RELATIONS
from prunescope.testbed.scenes import BACKGROUNDS, COLORS, SHAPES

SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>", "<image>")
GRAMMAR = "In: Out: where is the there a how many things thing what color shape background yes no"
WORDS = tuple(
    dict.fromkeys(
        [*SPECIAL, *GRAMMAR.split()]
        + [word for relation in RELATIONS for word in relation.split()]
        + [*COLORS, *SHAPES, *BACKGROUNDS]
        + [str(bin_number) for bin_number in range(BINS)]
    )
)
ID = {word: i for i, word in enumerate(WORDS)}


def prompt(question: str) -> str:
    """Text after the image; its last token, "Out:", is the query of attention criteria."""
    return f"In: {question} Out:"


def encode(text: str) -> list[int]:
    """Ids of the words, without image and <bos>; KeyError for a word outside the vocabulary."""
    return [ID[word] for word in text.split()]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """A fast tokenizer that splits at white space and puts <bos> first."""
    tokenizer = Tokenizer(models.WordLevel(ID, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A", special_tokens=[("<bos>", ID["<bos>"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        additional_special_tokens=["<image>"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
