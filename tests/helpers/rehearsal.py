"""Tiny copies of all downloads of workflow/config/paper.yaml, for workflow/config/rehearsal.yaml.

`python -m helpers.rehearsal FOLDER`, with tests/ on the path, writes them.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from string import ascii_uppercase

import torch

from helpers import tiny_benchmarks
from helpers import tiny_prismatic as prismatic

CHOICES = ("Yes", "No", "True", "False", *ascii_uppercase[:16])
END = 2  # the token that ends an answer


def merges_for(words: Iterable[str]) -> tuple[str, ...]:
    """Merges of the tokenizer, with those that make each word one token, as in Llama-2."""
    merges = list(prismatic.MERGES)
    for word in words:
        pieces = ["▁", *word]
        while len(pieces) > 1:
            if (merge := " ".join(pieces[:2])) not in merges:
                merges.append(merge)
            pieces[:2] = ["".join(pieces[:2])]
    return tuple(merges)


LAYOUT = prismatic.Layout(
    patch=32,
    tokens=144,  # 12 x 12 instead of 27 x 27
    width=128,
    depth=12,
    merges=merges_for(CHOICES),
    letters=tuple(sorted({*prismatic.LETTERS, *ascii_uppercase})),
)


def write(root: Path) -> None:
    """Write the parts of the model and the benchmarks; nothing if the folder exists."""
    if root.exists():
        return
    unfinished = root.with_name(f"{root.name}.unfinished")
    run = unfinished / "prismatic-vlms" / "prism-siglip-controlled+7b"
    prismatic.save_checkpoint(run, layout=LAYOUT)
    shorten_answers(run / "checkpoints" / "latest-checkpoint.pt")
    (unfinished / "siglip").mkdir()
    prismatic.save_vision(unfinished / "siglip" / "model.safetensors", LAYOUT)
    prismatic.save_tokenizer(unfinished / "llama", LAYOUT)
    tiny_benchmarks.write_all(unfinished)
    unfinished.rename(root)


def shorten_answers(checkpoint: Path) -> None:
    """Make answers one token long: every token except the prompt's last predicts the end."""
    stored = torch.load(checkpoint)
    weights = stored["model"]["llm_backbone"]
    first_feature = weights["llm.model.embed_tokens.weight"][:, 0]
    first_feature[:] = 10
    first_feature[prismatic.vocabulary(LAYOUT)[":"]] = -10
    weights["llm.lm_head.weight"][END] = 0
    weights["llm.lm_head.weight"][END, 0] = 10
    torch.save(stored, checkpoint)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
