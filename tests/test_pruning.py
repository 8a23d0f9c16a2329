"""Pruning on stock models: exact, batched, cached, and gone afterwards."""

from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from transformers import BertConfig, BertModel, StaticCache

from helpers.tiny_llava import GRID, PAD_TOKEN, build_inputs, build_llama, build_llava, row_of
from prunescope.criteria import SetCriterion
from prunescope.criteria.attention import Attention
from prunescope.criteria.knn import Knn
from prunescope.criteria.last import Last
from prunescope.criteria.random import Random
from prunescope.criteria.uniform import Uniform
from prunescope.errors import InputError
from prunescope.methods import Method, Stage, named_methods
from prunescope.pruning import Layout, prune
from prunescope.scores import record_scores
from prunescope.testing import models as contract
from prunescope.testing.trial import STEPS, Trial, generate

NOROPE = Attention(rope=False)
TWO_STAGES = Method(
    [Stage(2, NOROPE, keep=0.5, always=Uniform(3)), Stage(4, NOROPE, keep=0.3)], "feather"
)


class Others(Trial):
    """LLaVA with more methods than the contract of families is about."""

    methods = (
        Method(
            [Stage(k, Attention(), keep=0.5, positions="compact") for k in (1, 3, 5)], "pyramid"
        ),
        Method(
            [
                Stage(0, Random(1), keep=0.6, always=Uniform(2), positions="compact"),
                Stage(3, Attention(), keep=0.4),
            ],
            "mixed",
        ),
        Method([Stage(0, Uniform(2))], "uniform"),
        Method([Stage(3, Last(0.25))], "last-quarter"),
        Method([Stage(2, Attention(query="text-mean", softmax="row"), keep=9)], "text-mean"),
        Method([Stage(1, NOROPE, keep=0.5), Stage(3, NOROPE, keep=0.25, of="all")], "of-all"),
        Method([Stage(0, Attention(projections="own"), keep=0.5)], "layer-k"),
    )


@dataclass(frozen=True)
class Fixed(SetCriterion):
    """Keep the given raster indices."""

    name: ClassVar[str] = "fixed"

    kept: tuple[int, ...]

    def members(self, selection):
        return torch.isin(selection.raster, torch.tensor(self.kept))


@pytest.mark.parametrize(
    "check",
    [
        contract.check_dropping_is_masking,
        contract.check_further_turns_go_on,
        contract.check_a_batch_equals_one_by_one,
        contract.check_counts_and_order,
        contract.check_the_cache_is_short,
    ],
    ids=lambda check: check.__name__,
)
def test_more_methods(llava, check):
    inputs = build_inputs((3, 8, 5), seed=1)
    check(Others(llava, inputs, [row_of(inputs, row) for row in range(3)]))


def test_a_method_of_the_library_is_called_by_name(llava):
    inputs = build_inputs((3,))
    kept = []
    for method in ("pair", named_methods()["pair"]):
        with torch.inference_mode(), prune(llava, method) as trace:
            llava(**inputs)
        kept.append([stage[0].tolist() for stage in trace.kept])
    assert kept[0] == kept[1] and 0 < len(kept[0][1]) < len(kept[0][0]) < 36
    with pytest.raises(InputError, match="unknown 'fastw'; did you mean 'fastv'"):
        prune(llava, "fastw")
    with pytest.raises(InputError, match="method: expected a Method or a name"):
        prune(llava, [Stage(2, NOROPE, keep=0.5)])


def test_compact_positions_equal_a_prompt_without_the_dropped_tokens(backend):
    model = build_llama(backend=backend)
    draw = torch.Generator().manual_seed(0)
    embeds = torch.randn(1, 18, 48, generator=draw)
    layout = Layout(((torch.arange(18) > 0) & (torch.arange(18) < 13))[None], (3, 4))
    kept = (0, 3, 4, 9)
    short = torch.cat([embeds[:, :1], embeds[:, [1 + i for i in kept]], embeds[:, 13:]], dim=1)
    compact = Method([Stage(0, Fixed(kept), positions="compact")], "m")
    original = Method([Stage(0, Fixed(kept))], "m")
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
    """In a batch with padding, a turn of several tokens is that of its tokens one by one."""
    inputs, more = build_inputs((3, 6)), torch.tensor([[7, 8, 9, 10], [11, 12, 13, 14]])
    with torch.inference_mode(), prune(llava, TWO_STAGES):
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
    with prune(model, TWO_STAGES), ExitStack() as cleanup:
        for layer in model.model.language_model.layers:
            hook = layer.self_attn.register_forward_pre_hook(
                lambda module, args, kwargs: masks.append(kwargs["attention_mask"]),
                with_kwargs=True,
            )
            cleanup.callback(hook.remove)
        generate(model, build_inputs((5,)))
    assert masks == [None] * 6 * STEPS


def hooks_of(model):
    return {
        name: (len(module._forward_pre_hooks), len(module._forward_hooks))
        for name, module in model.named_modules()
    }


def test_failing_input_leaves_no_hooks(llava):
    before = hooks_of(llava)
    with pytest.raises(InputError), prune(llava, TWO_STAGES):
        llava(inputs_embeds=torch.randn(1, 9, 48))
    assert hooks_of(llava) == before
    with prune(llava, TWO_STAGES):
        llava(**build_inputs())


def test_wrong_input(llava):
    stage = Stage(6, Attention(), keep=0.5)
    cases = [
        (lambda: prune(llava, Method([stage], "m")), r"layer must lie in 0\.\.5"),
        (lambda: prune(llava, Method([Stage(2, Uniform(7))], "m")), "grid of 6 x 6"),
        (lambda: prune(BertModel(BertConfig(num_hidden_layers=1)), TWO_STAGES), "'llama'.*'llava'"),
    ]
    for enter, message in cases:
        with pytest.raises(InputError, match=message), enter():
            pass


def test_wrong_prompts(llava):
    few = build_inputs()
    few["input_ids"] = few["input_ids"][:, 2:]
    few["attention_mask"] = few["attention_mask"][:, 2:]
    with prune(llava, TWO_STAGES):
        with pytest.raises(
            InputError, match=r"example 0 .* has 35 tokens of images; its images make 0"
        ):
            llava(input_ids=few["input_ids"], attention_mask=few["attention_mask"])
        with pytest.raises(InputError, match="static"):
            cache = StaticCache(config=llava.config.text_config, max_cache_len=64)
            llava(**build_inputs(), past_key_values=cache)
    cache = llava(**build_inputs(), use_cache=True).past_key_values
    with prune(llava, TWO_STAGES), pytest.raises(InputError, match="outside of this `prune`"):
        llava(input_ids=torch.tensor([[5]]), past_key_values=cache)


def test_random_draws_by_content(llava):
    inputs = build_inputs((5, 5))
    inputs["input_ids"][1] = inputs["input_ids"][0]  # same prompt, other image
    with prune(llava, Method([Stage(1, Random(0), keep=0.5)], "r")) as trace:
        llava(**inputs)
        one, other = trace.kept[0]
        llava(**inputs)
        assert torch.equal(one, trace.kept[0][0])
        llava.generate(**inputs, max_new_tokens=2, do_sample=False)
        assert torch.equal(one, trace.kept[0][0]) and torch.equal(other, trace.kept[0][1])
    assert not torch.equal(one, other)


def test_a_further_turn_may_be_padded(llava):
    """Turns of 1 and 3 tokens in a batch are what they are alone."""
    inputs, turns = build_inputs((4, 7)), ([5], [7, 8, 9])
    padded = torch.tensor([[PAD_TOKEN, PAD_TOKEN, 5], [7, 8, 9]])
    with torch.inference_mode(), prune(llava, TWO_STAGES):
        together = further_turn(llava, inputs, padded)
        for row, own in enumerate(turns):
            alone = further_turn(llava, row_of(inputs, row), torch.tensor([own]))
            assert torch.allclose(together[row], alone[0], atol=1e-4)


def further_turn(model, inputs, turn):
    """Logits (b, 2, vocabulary) at the end of a further turn, and after one more token."""
    mask, logits = inputs["attention_mask"], []
    cache = model(**inputs, position_ids=counted(mask), use_cache=True).past_key_values
    for tokens in (turn, torch.full((len(turn), 1), 11)):
        mask = torch.cat([mask, (tokens != PAD_TOKEN).long()], 1)
        positions = counted(mask)[:, -tokens.shape[1] :]
        out = model(tokens, attention_mask=mask, position_ids=positions, past_key_values=cache)
        logits.append(out.logits[:, -1])
    return torch.stack(logits, 1)


def counted(mask):
    return (mask.cumsum(1) - 1).clamp(min=0)


def test_only_the_latest_prompt_goes_on(llava):
    first, second = build_inputs((4,)), build_inputs((6,), seed=1)
    with torch.inference_mode(), prune(llava, TWO_STAGES):
        cache = llava(**first, use_cache=True).past_key_values
        llava(**second, use_cache=True)
        with pytest.raises(InputError, match="before its latest prefill"):
            llava(input_ids=torch.tensor([[5]]), past_key_values=cache)
    whole = Method([Stage(0, Uniform(2))], "m")
    with torch.inference_mode(), prune(llava, whole):
        cache = llava(**first, use_cache=True).past_key_values
        ids = torch.cat([first["input_ids"], torch.tensor([[5, 6]])], 1)
        with pytest.raises(InputError, match="cache at layer 0 for that of the prompt"):
            llava.generate(ids, past_key_values=cache, max_new_tokens=2)


def test_prompts_of_images_only_may_lose_all():
    model, layout = build_llama(), Layout(torch.ones(1, 6, dtype=torch.bool), (2, 3))
    with (
        torch.inference_mode(),
        prune(model, Method([Stage(2, NOROPE, keep=2)], "m"), layout) as trace,
    ):
        model(inputs_embeds=torch.randn(1, 6, 48))
    assert trace.kv_lengths == [[6], [6], [2], [2], [2], [2]]


def test_a_layout_is_that_of_each_sample():
    model, layout = build_llama(), Layout(torch.arange(9)[None] < 6, (2, 3))
    inputs = {"inputs_embeds": torch.randn(1, 9, 48), "attention_mask": torch.ones(1, 9).long()}
    with prune(model, Method([Stage(2, NOROPE, keep=2)], "m"), layout) as trace:
        model.generate(**inputs, do_sample=True, num_return_sequences=3, max_new_tokens=2)
    assert [len(indices) for indices in trace.kept[0]] == [2, 2, 2]


def test_without_images_there_are_no_features(llava):
    embeds = torch.randn(1, 40, 48)
    layout = Layout(torch.arange(40)[None] < 36, GRID)
    method = Method([Stage(1, Knn(), keep=4)], "m")
    with prune(llava, method, layout), pytest.raises(InputError, match="no features"):
        llava(inputs_embeds=embeds)


def test_recording_scores_predicts_nothing(llava):
    calls = []
    with ExitStack() as cleanup:
        hook = llava.lm_head.register_forward_hook(lambda *arguments: calls.append(arguments))
        cleanup.callback(hook.remove)
        record_scores(llava, {**build_inputs(), "logits_to_keep": 3})
        assert not calls
        llava(**build_inputs())
        assert calls
