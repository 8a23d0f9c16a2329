"""A tiny random Llama with a subword tokenizer, as the pretrained decoder of a test."""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from prunescope.testbed.phrasings import NUMBERS, phrase
from prunescope.testbed.questions import ASK
from prunescope.testbed.scenes import BACKGROUNDS, COLORS, SHAPES, make_scene

SPECIAL = ["<end>", "<bos>"]


@cache
def _texts() -> list[str]:
    rng = np.random.default_rng(0)
    drawn = [ask(make_scene(seed), rng) for seed in range(60) for ask in ASK.values()]
    words = [f" {word}" for word in (*COLORS, *SHAPES, *BACKGROUNDS, *NUMBERS, "yes", "no")]
    return [phrase(question, rng).text for question in drawn if question] + words * 9


def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE over the benchmark's questions."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=512, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    bpe.train_from_iterator(_texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe, bos_token="<bos>", eos_token="<end>", pad_token="<end>"
    )


def save_decoder(folder: Path, seed: int = 0) -> Path:
    """Write the decoder and its tokenizer to a folder, as `from_pretrained` reads it."""
    torch.manual_seed(seed)
    words = tokenizer()
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder
