"""The decoder, and the modules that make its visual tokens: ideal ones, or a projection."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from prunescope.architectures.llama_2d import Llama2dConfig
from prunescope.testbed.questions import BINS
from prunescope.testbed.scenes import BACKGROUNDS, COLORS, SHAPES, Scene
from prunescope.training.labels import LOCAL_SIZES, N_PAIRS, label
from prunescope.training.vision import WIDTH, stack
from prunescope.training.vocabulary import ID, WORDS

DEPTH = 12
INIT_STD = WIDTH**-0.5  # the default of 0.02 suits widths of thousands
# Position encodings of the decoder. For "none", positions are divided by 10^12, so that RoPE turns
# nothing; the order of tokens then shows only in the causal mask.
POSITIONS = {
    "rope": (LlamaConfig, {"rope_type": "default"}),
    "rope-1m": (LlamaConfig, {"rope_type": "default", "rope_theta": 1e6}),  # as in Qwen2
    "rope-2d": (Llama2dConfig, {"rope_type": "default"}),
    "none": (LlamaConfig, {"rope_type": "linear", "factor": 1e12}),
}
BACKGROUND_WORDS = torch.tensor([ID[name] for name in BACKGROUNDS])
LABEL_WORDS = [[*COLORS], [*SHAPES], *[[str(number) for number in range(BINS)]] * 4]
# (labels, classes): id of the word for each class of each label; <pad> for the background
LOCAL_WORDS = torch.full((len(LOCAL_SIZES), max(LOCAL_SIZES)), ID["<pad>"])
for row, names in enumerate(LABEL_WORDS):
    LOCAL_WORDS[row, : len(names)] = torch.tensor([ID[name] for name in names])


def decoder_config(positions: str = "rope") -> LlamaConfig:
    """Configuration of a Llama of 12 layers; K = 1, 3, 6 stand for 3, 8, 16 of 32 layers.

    positions: a key of POSITIONS.
    """
    config, rotary = POSITIONS[positions]
    return config(
        rope_parameters={"rope_theta": 10_000.0, **rotary},
        vocab_size=len(WORDS),
        hidden_size=WIDTH,
        intermediate_size=320,
        num_hidden_layers=DEPTH,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        initializer_range=INIT_STD,
        bos_token_id=ID["<bos>"],
        eos_token_id=ID["<eos>"],
        pad_token_id=ID["<pad>"],
    )


class Symbols(nn.Module):
    """Ideal visual tokens: a patch is the sum of the words that describe it.

    Colour and shape are the decoder's own word embeddings. Coordinates and the background's colour
    go through linear maps, one for each role.
    """

    def __init__(self):
        super().__init__()
        self.roles = nn.ModuleList(nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(5))
        self.nothing = nn.Embedding(1, WIDTH)  # for a patch of the background
        self.pairs = nn.Linear(N_PAIRS, WIDTH, bias=False)
        for table in (*self.roles, self.pairs):
            nn.init.normal_(table.weight, std=INIT_STD)

    def forward(self, scenes: list[Scene], words: nn.Embedding) -> Tensor:
        """Visual tokens (batch, patches, WIDTH); words: the decoder's embeddings."""
        local, pairs, background = stack([label(scene) for scene in scenes])
        # Word of every label of every patch: (batch, patches, labels, WIDTH). Labels are colour,
        # shape, x1, y1, x2, y2; the first two are summed as they are, the rest by their roles.
        embedded = words(LOCAL_WORDS[torch.arange(len(LOCAL_SIZES)), local])
        named, bins = embedded[:, :, :2].sum(2), embedded[:, :, 2:].unbind(2)
        objects = named + sum(role(word) for role, word in zip(self.roles, bins, strict=False))
        is_background = (local[..., :1] == LOCAL_SIZES[0] - 1).float()
        nothing = self.nothing.weight[0].expand_as(objects)
        patches = torch.lerp(objects, nothing, is_background)
        background_color = self.roles[4](words(BACKGROUND_WORDS[background]))
        return patches + (self.pairs(pairs) + background_color)[:, None]


class Projector(nn.Module):
    """LLaVA's two-layer MLP, with the names of the stock `multi_modal_projector`.

    features: width of the tower. width: of the decoder.
    """

    def __init__(self, features: int = WIDTH, width: int = WIDTH):
        super().__init__()
        self.linear_1 = nn.Linear(features, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.linear_2(F.gelu(self.linear_1(hidden)))


class Reader(nn.Module):
    """The decoder and the module that makes its visual tokens: `Symbols` or `Projector`."""

    def __init__(self, visual: nn.Module, positions: str = "rope"):
        super().__init__()
        self.visual = visual
        self.decoder = AutoModelForCausalLM.from_config(decoder_config(positions))
        self.decoder.set_attn_implementation("packed")
        initialise(self.decoder)


def initialise(decoder: LlamaForCausalLM) -> None:
    """Initialise words with unit variance, and layers so that they add nothing at first.

    Otherwise the untrained layers drown the words, and look-ups by content are learned late.
    """
    nn.init.normal_(decoder.model.embed_tokens.weight, std=1.0)
    for layer in decoder.model.layers:
        nn.init.zeros_(layer.self_attn.o_proj.weight)
        nn.init.zeros_(layer.mlp.down_proj.weight)
