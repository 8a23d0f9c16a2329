"""Answers of methods that are decoded in one batch, compared with those of each alone."""

from contextlib import contextmanager

import pytest
import torch
import yaml

from prunescope.checkpoints.loaded import Loaded
from prunescope.evaluation.joint_decoding import Branch, can_join, greedy_together
from prunescope.evaluation.shared_prefixes import Tree
from prunescope.methods import parse_methods
from prunescope.pruning import prune

SAME = ("first-again",)  # as another method
METHODS = parse_methods(
    yaml.safe_load("""
unpruned: []
first: [{layer: 0, remove: 0.3, score: {attention: {rope: true, projections: own}}}]
first-again: [{layer: 0, remove: 0.3, score: {attention: {rope: true, projections: own}}}]
fastv: [{layer: 2, remove: 0.5, score: {attention: {rope: true}}}]
compact: [{layer: 2, remove: 0.5, positions: compact, score: {attention: {rope: true}}}]
then-late:
  - {layer: 2, remove: 0.5, score: {attention: {rope: true}}}
  - {layer: 4, remove: 0.5, score: {attention: {rope: false}}}
then-later:
  - {layer: 2, remove: 0.5, score: {attention: {rope: true}}}
  - {layer: 5, remove: 0.7, score: {attention: {rope: true}}}
compact-then-late:
  - {layer: 2, remove: 0.5, positions: compact, score: {attention: {rope: true}}}
  - {layer: 4, remove: 0.5, score: {attention: {rope: false}}}
ensemble-then-late:
  - {layer: 0.5, remove: 0.7, score: {random: {seed: 0}}, always: {uniform: {stride: 2}}}
  - {layer: 4, remove: 0.5, score: {attention: {rope: false}}}
ensemble: [{layer: 3, remove: 0.7, score: {random: {seed: 0}}, always: {uniform: {stride: 2}}}]
shuffled-then-late:
  - {layer: 1, keep: 1.0, positions: shuffled, score: {random: {seed: 0}}}
  - {layer: 4, remove: 0.5, score: {attention: {rope: false}}}
reversed-then-late:
  - {layer: 0, scan: reversed, score: {first: {fraction: 1.0}}}
  - {layer: 4, remove: 0.5, score: {attention: {rope: false}}}
reversed: [{layer: 0, scan: reversed, score: {first: {fraction: 1.0}}}]
transposed: [{layer: 0, scan: transposed, remove: 0.3, score: {random: {seed: 0}}}]
shuffled: [{layer: 1, keep: 1.0, positions: shuffled, score: {random: {seed: 0}}}]
"""),
    "test",
)


@torch.inference_mode()
def check_joined(model, inputs):
    loaded = Loaded.of(model)
    if not can_join(loaded):
        pytest.skip("layers have sliding windows")
    model.generation_config.eos_token_id = None
    alone, branches, tree = [], [], Tree(loaded, METHODS.values())
    for method in tree.methods:
        with prune(model, method) as trace, logits_of(model) as logits:
            tokens = Branch(model, inputs, trace, limit=5).tokens
        alone.append((tokens, torch.stack(logits)))
        with tree.prune(method) as trace:
            branches.append(Branch(model, inputs, trace))
    with logits_of(model) as logits:
        tokens = greedy_together(loaded, inputs, branches, limit=5)
    together = torch.stack(logits).chunk(len(branches), 1)
    for ours, theirs in zip(zip(tokens, together, strict=True), alone, strict=True):
        assert torch.equal(ours[0], theirs[0])
        torch.testing.assert_close(ours[1], theirs[1], atol=1e-4, rtol=1e-4)
    assert len({logits.cpu().numpy().tobytes() for _, logits in alone}) == len(METHODS) - len(SAME)


@contextmanager
def logits_of(model):
    """Collects what each call of the model predicts next (b, vocabulary)."""
    logits = []
    hook = model.register_forward_hook(lambda *args: logits.append(args[-1].logits[:, -1]))
    yield logits
    hook.remove()
