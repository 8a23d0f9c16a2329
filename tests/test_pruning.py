"""Pruning on stock models: exact, batched, cached, and gone afterwards."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from conftest import GRID, IMAGE_TOKEN, build_inputs, build_llama, build_llava
from transformers import BertConfig, BertModel, StaticCache

from prunescope.criteria import SetCriterion
from prunescope.criteria.attention import Attention
from prunescope.criteria.last import Last
from prunescope.criteria.random import Random
from prunescope.criteria.uniform import Uniform
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.pruning import Layout, prune

NOROPE = Attention(rope=False)
METHODS = [
    Method("fastv", (Stage(2, 0.25, Attention()),)),
    Method("ensemble", (Stage(1, 0.25, NOROPE, always=Uniform(3)),)),
    Method("feather", (Stage(2, 0.5, NOROPE, always=Uniform(3)), Stage(4, 0.3, NOROPE))),
    Method("pyramid", tuple(Stage(k, 0.5, Attention(), None, "compact") for k in (1, 3, 5))),
    Method("mixed", (Stage(0, 0.6, Random(1), Uniform(2), "compact"), Stage(3, 0.4, Attention()))),
    Method("uniform-0", (Stage(0, None, Uniform(2)),)),
    Method("last-quarter", (Stage(3, None, Last(0.25)),)),
    Method("text-mean", (Stage(2, 9, Attention(query="text-mean", softmax="row")),)),
]
STEPS = 5
method = pytest.mark.parametrize("method", METHODS, ids=lambda each: each.name)


@dataclass(frozen=True)
class Fixed(SetCriterion):
    """Keep the given raster indices."""

    name: ClassVar[str] = "fixed"

    kept: tuple[int, ...]

    def members(self, selection):
        return torch.isin(selection.raster, torch.tensor(self.kept))


def generate(model, inputs, steps=STEPS):
    out = model.generate(
        **inputs, max_new_tokens=steps, do_sample=False,
        output_logits=True, return_dict_in_generate=True, suppress_tokens=[IMAGE_TOKEN],
    )  # fmt: skip
    return out.sequences[:, -steps:], torch.stack(out.logits, dim=1)


def row_of(inputs, row):
    """One example of a batch without its padding."""
    valid = inputs["attention_mask"][row].bool()
    return {
        "input_ids": inputs["input_ids"][row, valid][None],
        "attention_mask": inputs["attention_mask"][row, valid][None],
        "pixel_values": inputs["pixel_values"][row][None],
    }


def masked_logits(model, inputs, layers, kept, tokens):
    """Oracle: all tokens stay, but layers from each stage on cannot look at what was dropped.

    Logits (steps, vocabulary) that predict `tokens` of one example, teacher forced, no cache.
    """
    input_ids = torch.cat([inputs["input_ids"], tokens[None, :-1]], dim=1)
    visual = (input_ids[0] == IMAGE_TOKEN).nonzero()[:, 0]
    length = input_ids.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()

    def mask_layer(index):
        stage = max((i for i, layer in enumerate(layers) if layer <= index), default=None)
        allowed = causal.clone()
        if stage is not None:
            dropped = torch.ones(len(visual), dtype=torch.bool)
            dropped[kept[stage]] = False
            allowed[:, visual[dropped]] = False
            allowed |= torch.eye(length, dtype=torch.bool)  # rows of dropped tokens stay finite

        def hook(module, args, kwargs):
            mask = torch.zeros(length, length).masked_fill(~allowed, torch.finfo().min)
            return args, {**kwargs, "attention_mask": mask[None, None]}

        return hook

    with ExitStack() as cleanup, torch.inference_mode():
        for index, layer in enumerate(model.model.language_model.layers):
            hook = layer.register_forward_pre_hook(mask_layer(index), with_kwargs=True)
            cleanup.callback(hook.remove)
        out = model(input_ids=input_ids, pixel_values=inputs["pixel_values"])
    return out.logits[0, -len(tokens) :]


@pytest.mark.parametrize("lengths", [(5,), (4, 9, 1)])
@pytest.mark.parametrize("positions", ["original", "compact"])
def test_keeping_all_is_identity(llava, lengths, positions):
    inputs = build_inputs(lengths)
    everything = Method(
        "all",
        (
            Stage(0, 1.0, Random(), positions=positions),
            Stage(2, 1.0, Attention(), positions=positions),
        ),
    )
    tokens, logits = generate(llava, inputs)
    with prune(llava, everything) as trace:
        pruned_tokens, pruned_logits = generate(llava, inputs)
    assert torch.equal(tokens, pruned_tokens)
    assert (logits - pruned_logits).abs().max() == 0
    full = list(range(GRID[0] * GRID[1]))
    assert [each.tolist() for stage in trace.kept for each in stage] == [full] * 2 * len(lengths)


# A mask cannot renumber positions, so this oracle is for methods that keep them.
@pytest.mark.parametrize(
    "method",
    [each for each in METHODS if all(stage.positions == "original" for stage in each.stages)],
    ids=lambda each: each.name,
)
def test_dropping_equals_masking_and_cached_equals_uncached(llava, method):
    inputs = build_inputs((6,))
    with prune(llava, method) as trace:
        tokens, logits = generate(llava, inputs)
    kept = [stage[0] for stage in trace.kept]
    oracle = masked_logits(llava, inputs, method.layers(6), kept, tokens[0])
    assert (logits[0] - oracle).abs().max() <= 1e-5
    plain = generate(llava, inputs)[1]
    assert (logits - plain).abs().max() > 1e-3  # pruning does something


@method
def test_a_batch_equals_one_by_one(llava, method):
    inputs = build_inputs((3, 8, 5, 8), seed=1)
    with prune(llava, method) as trace:
        tokens, logits = generate(llava, inputs)
        kept, lengths = trace.kept, trace.kv_lengths
        for row in range(4):
            alone_tokens, alone_logits = generate(llava, row_of(inputs, row))
            assert [stage[row].tolist() for stage in kept] == [s[0].tolist() for s in trace.kept]
            assert tokens[row].tolist() == alone_tokens[0].tolist()
            assert torch.allclose(logits[row], alone_logits[0], atol=1e-4)
            assert [each[row] for each in lengths] == [each[0] for each in trace.kv_lengths]


def test_unions_are_ragged_in_these_tests(llava):
    with prune(llava, METHODS[1]) as trace:
        generate(llava, build_inputs((3, 8, 5, 8), seed=1))
    assert len({len(each) for each in trace.kept[0]}) > 1


@method
def test_counts_order_and_cache(llava, method):
    inputs = build_inputs((4, 7))
    with prune(llava, method) as trace:
        out = llava(**inputs, use_cache=True)
    layers, full = method.layers(6), GRID[0] * GRID[1]
    text = inputs["attention_mask"].sum(1) - full
    before = [full, full]
    for stage, kept in zip(method.stages, trace.kept, strict=True):
        for example, indices in enumerate(kept):
            assert indices.diff().gt(0).all() and indices[0] >= 0 and indices[-1] < full
            if stage.always is None and stage.keep is not None:
                assert len(indices) == stage.count(before[example])
            assert len(indices) <= before[example]
        before = [len(each) for each in kept]
    for layer, lengths in enumerate(trace.kv_lengths):
        stage = sum(k <= layer for k in layers)
        left = trace.kept[stage - 1] if stage else [range(full)] * 2
        assert lengths == [len(each) + int(n) for each, n in zip(left, text, strict=True)]
        assert out.past_key_values.get_seq_length(layer) >= max(lengths)
        if stage:
            assert out.past_key_values.get_seq_length(layer) == max(lengths)


def test_compact_positions_equal_a_prompt_without_the_dropped_tokens(backend):
    model = build_llama(backend=backend)
    draw = torch.Generator().manual_seed(0)
    embeds = torch.randn(1, 18, 48, generator=draw)
    layout = Layout(((torch.arange(18) > 0) & (torch.arange(18) < 13))[None], (3, 4))
    kept = (0, 3, 4, 9)
    short = torch.cat([embeds[:, :1], embeds[:, [1 + i for i in kept]], embeds[:, 13:]], dim=1)
    compact = Method("m", (Stage(0, None, Fixed(kept), positions="compact"),))
    original = Method("m", (Stage(0, None, Fixed(kept)),))
    position_ids = torch.tensor([[0, *(1 + i for i in kept), *range(13, 18)]])

    def run(embeds, **more):
        """Logits of the prompt's end and of three steps, positions left to the model."""
        out = model(inputs_embeds=embeds, use_cache=True, **more)
        logits = [out.logits[:, -1]]
        for step in range(3):
            later = {k: v[:, -1:] + step + 1 for k, v in more.items()}
            out = model(torch.tensor([[7 + step]]), past_key_values=out.past_key_values, **later)
            logits.append(out.logits[:, -1])
        return torch.stack(logits)

    with torch.inference_mode():
        with prune(model, compact, layout):
            compacted = run(embeds)
        assert torch.allclose(compacted, run(short), atol=1e-5)
        with prune(model, original, layout):
            pruned = run(embeds)
        assert torch.allclose(pruned, run(short, position_ids=position_ids), atol=1e-5)
        assert not torch.allclose(pruned, compacted, atol=1e-3)


def test_several_new_tokens_at_once(llava):
    """A continuation by more than one token, as in a second turn of a dialogue."""
    inputs, more = build_inputs((3, 6)), torch.randint(2, 60, (2, 4))
    with torch.inference_mode(), prune(llava, METHODS[2]):
        cache = llava(**inputs, use_cache=True).past_key_values
        mask = torch.cat([inputs["attention_mask"], torch.ones(2, 4, dtype=torch.long)], 1)
        positions = inputs["attention_mask"].sum(1, keepdim=True) + torch.arange(4)
        inputs["position_ids"] = (inputs["attention_mask"].cumsum(1) - 1).clamp(min=0)
        cache = llava(**inputs, use_cache=True).past_key_values
        at_once = llava(
            input_ids=more, attention_mask=mask, position_ids=positions, past_key_values=cache
        ).logits
        cache = llava(**inputs, use_cache=True).past_key_values
        for step in range(4):
            length = inputs["input_ids"].shape[1] + step + 1
            single = llava(
                input_ids=more[:, step : step + 1],
                attention_mask=mask[:, :length],
                position_ids=positions[:, step : step + 1],
                past_key_values=cache,
            ).logits
            assert torch.allclose(single[:, 0], at_once[:, step], atol=1e-5)


def test_the_fast_path_stays():
    """Without padding, sdpa keeps getting no mask at all."""
    model, masks = build_llava(backend="sdpa"), []
    with prune(model, METHODS[2]), ExitStack() as cleanup:
        for layer in model.model.language_model.layers:
            hook = layer.self_attn.register_forward_pre_hook(
                lambda module, args, kwargs: masks.append(kwargs["attention_mask"]),
                with_kwargs=True,
            )
            cleanup.callback(hook.remove)
        generate(model, build_inputs((5,)))
    assert masks == [None] * 6 * STEPS


def test_beams_and_samples_run(llava):
    inputs = build_inputs((3, 6))
    with prune(llava, METHODS[2]) as trace:
        out = llava.generate(**inputs, max_new_tokens=3, num_beams=2, do_sample=False)
        assert len(trace.kept[0]) == 4
        llava.generate(**inputs, max_new_tokens=3, do_sample=True, num_return_sequences=2)
    assert out.shape[0] == 2


def hooks_of(model):
    return {
        name: (len(module._forward_pre_hooks), len(module._forward_hooks))
        for name, module in model.named_modules()
        if module._forward_pre_hooks or module._forward_hooks
    }


@pytest.mark.parametrize("fails", [False, True])
def test_hooks_are_gone(llava, fails):
    inputs = build_inputs()
    logits = llava(**inputs).logits  # transformers sets hooks of its own at the first call
    before = hooks_of(llava)
    try:
        with prune(llava, METHODS[2]):
            inside = hooks_of(llava)
            llava(**inputs)
            if fails:
                raise RuntimeError("stop")
    except RuntimeError:
        pass
    added = set(inside) - set(before)
    assert "model.language_model.layers.5" in added
    assert "model.language_model.layers.1.self_attn.k_proj" in added
    assert hooks_of(llava) == before
    assert torch.equal(llava(**inputs).logits, logits)


def test_failing_input_leaves_no_hooks(llava):
    before = hooks_of(llava)
    with pytest.raises(InputError), prune(llava, METHODS[0]):
        llava(inputs_embeds=torch.randn(1, 9, 48))
    assert hooks_of(llava) == before
    with prune(llava, METHODS[0]):
        llava(**build_inputs())


def test_nested_use_is_refused(llava):
    with prune(llava, METHODS[0]):
        for part in (llava, llava.model):
            with pytest.raises(InputError, match="inside another"), prune(part, METHODS[0]):
                pass


def test_wrong_input(llava):
    stage = Stage(6, 0.5, Attention())
    cases = [
        (lambda: prune(llava, Method("m", (stage,))), r"layer must lie in 0\.\.5"),
        (lambda: prune(llava, Method("m", (Stage(2, None, Uniform(7)),))), "grid of 6 x 6"),
        (lambda: prune(BertModel(BertConfig(num_hidden_layers=1)), METHODS[0]), "'llama'.*'llava'"),
    ]
    for enter, message in cases:
        with pytest.raises(InputError, match=message), enter():
            pass


def test_wrong_prompts(llava):
    few = build_inputs()
    few["input_ids"] = few["input_ids"][:, 2:]
    few["attention_mask"] = few["attention_mask"][:, 2:]
    with prune(llava, METHODS[0]):
        with pytest.raises(InputError, match=r"example 0 .* has 35 visual tokens; .* needs 36"):
            llava(input_ids=few["input_ids"], attention_mask=few["attention_mask"])
        with pytest.raises(InputError, match="static"):
            cache = StaticCache(config=llava.config.text_config, max_cache_len=64)
            llava(**build_inputs(), past_key_values=cache)
    cache = llava(**build_inputs(), use_cache=True).past_key_values
    with prune(llava, METHODS[0]), pytest.raises(InputError, match="outside of this `prune`"):
        llava(input_ids=torch.tensor([[5]]), past_key_values=cache)


def test_random_draws_by_content(llava):
    inputs = build_inputs((5, 5))
    inputs["input_ids"][1] = inputs["input_ids"][0]  # same prompt, other image
    with prune(llava, Method("r", (Stage(1, 0.5, Random(0)),))) as trace:
        llava(**inputs)
        one, other = trace.kept[0]
        llava(**inputs)
        assert torch.equal(one, trace.kept[0][0])
        llava.generate(**inputs, max_new_tokens=2, do_sample=False)
        assert torch.equal(one, trace.kept[0][0]) and torch.equal(other, trace.kept[0][1])
    assert not torch.equal(one, other)
