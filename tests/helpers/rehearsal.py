"""Everything that workflow/config/paper.yaml downloads, in small, for the study of
workflow/config/rehearsal.yaml: `python -m helpers.rehearsal FOLDER` with tests/ on the path."""

import sys
from pathlib import Path
from string import ascii_uppercase

import torch

from helpers import benchmarks_in_small
from helpers import prismatic_checkpoint as prismatic

# 12 layers, and 12 x 12 tokens instead of 27 x 27
prismatic.TEXT_DEPTH, prismatic.TEXT, prismatic.TEXT_HEADS = 12, 128, 1
prismatic.PATCH, prismatic.TOKENS = 32, 144
# answers to choose from are one token each, as to the tokenizer of Llama-2
for answer in ("Yes", "No", "True", "False", *ascii_uppercase[:16]):
    pieces = ["▁", *answer]
    while len(pieces) > 1:
        if (merge := " ".join(pieces[:2])) not in prismatic.MERGES:
            prismatic.MERGES.append(merge)
        pieces[:2] = ["".join(pieces[:2])]
prismatic.LETTERS[:] = sorted({*prismatic.LETTERS, *ascii_uppercase})

END = 2  # the token that ends an answer


def write(root: Path) -> None:
    """The parts of the model, and the benchmarks; nothing if they are there."""
    if root.exists():
        return
    unfinished = root.with_name(f"{root.name}.unfinished")
    run = prismatic.save_checkpoint(unfinished / "prismatic-vlms" / "prism-siglip-controlled+7b")
    answer_in_short(run / "checkpoints" / "latest-checkpoint.pt")
    (unfinished / "siglip").mkdir()
    prismatic.save_vision(unfinished / "siglip" / "model.safetensors")
    prismatic.save_tokenizer(unfinished / "llama")
    benchmarks_in_small.write_all(unfinished)
    unfinished.rename(root)


def answer_in_short(checkpoint: Path) -> None:
    """Let every token call for the end, but not the one that the prompt ends with: answers are one
    token long."""
    stored = torch.load(checkpoint)
    weights = stored["model"]["llm_backbone"]
    calls = weights["llm.model.embed_tokens.weight"][:, 0]
    calls[:] = 10
    calls[prismatic.vocabulary()[":"]] = -10
    weights["llm.lm_head.weight"][END] = 0
    weights["llm.lm_head.weight"][END, 0] = 10
    torch.save(stored, checkpoint)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
