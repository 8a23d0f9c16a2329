"""A tiny random decoder as a four-bit GGUF file, in a wheel, as the pretrained one lies."""

from pathlib import Path
from zipfile import ZipFile

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind

WIDTH, INNER, HEADS, KEY_HEADS, LAYERS = 64, 96, 2, 1, 2
WORDS = ["<unk>", "<s>", "</s>", *"abcdefghijklmnopqrstuvwxyzĠ", "th", "the", "Ġthe"]
MERGES = ["t h", "th e", "Ġ the"]


def save_gguf(file: Path, seed: int = 0) -> dict[str, np.ndarray]:
    """Write the file; returns its weights by their names there, as the four bits hold them."""
    writer = gguf.GGUFWriter(file, "llama")
    _add_settings(writer)
    _add_vocabulary(writer)
    random, weights = np.random.default_rng(seed), {}
    for name, shape, kind in _shapes():
        values = random.normal(0, 0.2, shape).astype(np.float32)
        data = values if kind is Kind.F32 else gguf.quants.quantize(values, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
        weights[name] = gguf.quants.dequantize(data, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return weights


def _add_settings(writer: gguf.GGUFWriter) -> None:
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_HEADS)
    writer.add_rope_freq_base(5000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(WORDS))


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(WORDS)
    writer.add_token_types([3, 3, 3] + [1] * (len(WORDS) - 3))  # 3 marks a token of control
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(
        "{% for message in messages %}user {{ message['content'] }}{% endfor %}"
    )


def _shapes() -> list[tuple[str, tuple[int, ...], Kind]]:
    """Name, shape and kind of each tensor."""
    head = WIDTH // HEADS
    layer = [
        ("attn_q", (WIDTH, WIDTH), Kind.Q4_1),
        ("attn_k", (KEY_HEADS * head, WIDTH), Kind.Q4_1),
        ("attn_v", (KEY_HEADS * head, WIDTH), Kind.Q4_1),
        ("attn_output", (WIDTH, WIDTH), Kind.Q4_1),
        ("ffn_gate", (INNER, WIDTH), Kind.Q4_1),
        ("ffn_up", (INNER, WIDTH), Kind.Q4_1),
        ("ffn_down", (WIDTH, INNER), Kind.Q4_1),
        ("attn_norm", (WIDTH,), Kind.F32),
        ("ffn_norm", (WIDTH,), Kind.F32),
    ]
    blocks = [(f"blk.{i}.{name}.weight", *rest) for i in range(LAYERS) for name, *rest in layer]
    ends = [
        ("token_embd.weight", (len(WORDS), WIDTH), Kind.Q8_0),
        ("output_norm.weight", (WIDTH,), Kind.F32),
    ]
    return [*blocks, *ends]


def save_wheel(folder: Path, file: Path, inside: str) -> Path:
    """Write a wheel `tiny_decoder` 0.1 that holds the file as `inside`."""
    folder.mkdir(exist_ok=True)
    wheel = folder / "tiny_decoder-0.1-py3-none-any.whl"
    info = "tiny_decoder-0.1.dist-info"
    with ZipFile(wheel, "w") as archive:
        archive.write(file, inside)
        requires = "Requires-Dist: a-package-that-does-not-exist"  # never looked for
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: tiny-decoder\nVersion: 0.1\n{requires}\n",
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return wheel
