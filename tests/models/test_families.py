"""Every family holds to the contract of families, and the contract can be broken."""

import random
from dataclasses import replace

import pytest
import torch
from transformers import StaticCache

from helpers.families import CASES
from helpers.trials import prepare, trial
from prunescope import models
from prunescope.criteria import highest
from prunescope.criteria.attention import Attention
from prunescope.criteria.last import Last
from prunescope.criteria.none import Nothing
from prunescope.criteria.random import Random
from prunescope.criteria.uniform import Uniform
from prunescope.engine import masks, segments
from prunescope.engine.hooks import Engine
from prunescope.errors import InputError
from prunescope.methods import Method, Stage
from prunescope.models import Layout
from prunescope.models.gemma3 import Gemma3
from prunescope.models.llava import Llava
from prunescope.models.qwen2_vl import Qwen2VL, Qwen25VL
from prunescope.models.qwen3_vl import Qwen3VL
from prunescope.pruning import prune
from prunescope.testing import models as contract
from prunescope.testing.selections import look
from prunescope.testing.trial import Trial, generate, prefill

NAMED = {case.name: case for case in CASES}
HALF = Method([Stage(2, Attention(rope=False), keep=0.5), Stage(4, Attention(), keep=0.5)], "half")
QUERIES = ("last", "text-mean", "all-mean")

case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__[6:])
@pytest.mark.parametrize("backend", ["eager", "sdpa"])
@case
def test_contract(case, backend, check):
    check(trial(case, backend))


@case
def test_prompts_are_what_the_contract_is_about(case):
    """Padding, several views, and stages that leave different numbers of tokens."""
    one = trial(case)
    assert not one.inputs["attention_mask"].all()
    assert any(len(views) > 1 for views in one.layout.views)
    with prune(one.model, one.methods[1]) as trace:
        prefill(one.model, one.inputs)
    assert all(len({len(indices) for indices in stage}) > 1 for stage in trace.kept)


@case
def test_any_methods(case):
    """Stages at any layers, with any scores, budgets and positions, down to no token left."""

    class Drawn(Trial):
        methods = tuple(drawn_method(random.Random(f"{case.name}-{seed}")) for seed in range(2))

    one = trial(case)
    drawn = Drawn(one.model, one.inputs, one.singles)
    contract.check_dropping_is_masking(drawn)
    contract.check_a_batch_equals_one_by_one(drawn)
    contract.check_counts_and_order(drawn)
    contract.check_the_cache_is_short(drawn)


def drawn_method(draw: random.Random) -> Method:
    return Method([drawn_stage(n, draw) for n in sorted(draw.sample(range(6), 3))], "drawn")


def drawn_stage(layer: int, draw: random.Random) -> Stage:
    projections = draw.choice(["own", "previous"]) if layer else "own"
    attention = Attention(draw.random() < 0.5, draw.choice(QUERIES), projections=projections)
    sized = draw.choice([attention, attention, Random(draw.randrange(9))])
    chosen = draw.choice([sized, sized, sized, Uniform(2), Last(0.4), Nothing()])
    return Stage(
        layer,
        chosen,
        keep=draw.choice([1, 3, 0.3, 0.7, 1.0]) if chosen.sized else None,
        always=draw.choice([None, Uniform(2)]),
        positions=draw.choice(["original", "compact"]),
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@case
def test_reduced_precision(case, dtype):
    one = trial(case, dtype=dtype)
    contract.check_keeping_all_is_identity(one)
    contract.check_counts_and_order(one)
    contract.check_the_cache_is_short(one)
    with prune(one.model, one.methods[1]):
        assert generate(one.model, one.inputs)[1].isfinite().all()


@case
def test_without_a_cache_each_step_is_a_prefill(case):
    one = trial(case)
    config = one.model.config
    special = {config.image_token_id, getattr(config, "video_token_id", config.image_token_id)}
    options = {"max_new_tokens": 3, "min_new_tokens": 3, "do_sample": False, "use_cache": False}
    options["suppress_tokens"] = sorted(special)
    plain = one.model.generate(**one.inputs, **options)
    with prune(one.model, Method([Stage(1, Attention(), keep=1.0)], "all")):
        assert torch.equal(one.model.generate(**one.inputs, **options), plain)
    with prune(one.model, HALF) as trace:
        one.model.generate(**one.inputs, **options)
    length = one.inputs["input_ids"].shape[1]
    assert trace.segments[0].valid.shape[1] == length + 2


@case
def test_samples_and_beams(case):
    one = trial(case)
    rows = [row for row, single in enumerate(one.singles) if repeats_images(one.model, single)]
    if not rows:
        pytest.skip("this transformers mixes up the images of all these prompts")
    inputs = prepare(case, *rows)
    with prune(one.model, HALF) as trace:
        samples = [sample(one.model, inputs).sequences for _ in range(2)]
        kept = [indices.tolist() for indices in trace.kept[0]]
        beams = one.model.generate(**inputs, max_new_tokens=3, do_sample=False, num_beams=2)
    assert torch.equal(*samples)
    assert kept[::2] == kept[1::2]
    assert len(kept) == len(samples[0]) == 2 * len(beams) == 2 * len(rows)


def repeats_images(model, inputs):
    """Whether the stock model shows both samples of a prompt its images. transformers 5.17 mixes
    them up if there are several."""
    one, other = sample(model, inputs).logits[0]
    return torch.equal(one, other)


def sample(model, inputs):
    torch.manual_seed(0)
    return model.generate(
        **inputs, max_new_tokens=3, do_sample=True, num_return_sequences=2,
        output_logits=True, return_dict_in_generate=True,
    )  # fmt: skip


@case
def test_shuffled_positions_are_those_of_the_image(case):
    one = trial(case)
    stages = [Stage(1, Random(), keep=0.5, positions=policy) for policy in ("original", "shuffled")]
    seen = [look(one.model, one.singles[0], 2, "own", before=(stage,)) for stage in stages]
    original, shuffled = (selection.positions[:, 0].T.tolist() for selection in seen)
    visual = set(seen[0].visual[0].tolist())
    assert shuffled != original and sorted(shuffled) == sorted(original)
    moved = {column for column, position in enumerate(original) if position != shuffled[column]}
    assert moved <= visual
    rotated = [selection.projected.rotary[0] for selection in seen]
    assert not torch.equal(*rotated)


@case
def test_a_prompt_without_an_image_is_refused(case):
    one = trial(case)
    inputs = dict(one.singles[0])
    shape = inputs["attention_mask"].shape
    for name, value in inputs.items():
        if value.shape == shape:
            text = {"input_ids": 5, "attention_mask": 1}.get(name, 0)
            inputs[name] = torch.cat([value, torch.full_like(value, text)])
    with (
        pytest.raises(InputError, match="example 1 of the batch has no image"),
        prune(one.model, HALF),
    ):
        prefill(one.model, inputs)


@case
def test_broken_hidden_states_are_named(case):
    one = trial(case)

    def spoil(layer, args, output):
        return output.index_fill(0, torch.tensor([1]), torch.nan)

    with (
        one.decoder.layers[2].register_forward_hook(spoil),
        pytest.raises(InputError, match=r"input of decoder layer 4 .* in examples \[1\]"),
        prune(one.model, HALF),
    ):
        prefill(one.model, one.inputs)


@case
def test_a_static_cache_is_refused(case):
    one = trial(case)
    cache = StaticCache(config=one.decoder.config, max_cache_len=512)
    with pytest.raises(InputError, match="static"), prune(one.model, HALF):
        one.model(**one.inputs, past_key_values=cache)


@case
def test_layer_0_has_no_layer_before_it(case):
    previous, own = (
        Method([Stage(0, Attention(projections=layer), keep=0.5)], "m")
        for layer in ("previous", "own")
    )
    one = trial(case)
    with pytest.raises(InputError, match=r"layer must lie in 1\.\.5"), prune(one.model, previous):
        pass
    with prune(one.model, own):
        prefill(one.model, one.inputs)


@case
def test_use_inside_another_and_twice_is_refused(case):
    one = trial(case)
    pruned = prune(one.model, HALF)
    with pruned:
        for part in (one.model, one.model.model):
            with pytest.raises(InputError, match="inside another"), prune(part, HALF):
                pass
        prefill(one.model, one.inputs)
    with pytest.raises(InputError, match="one `with`"), pruned:
        pass


# -- what the contract finds: each entry breaks something, and the check that must notice ----------


def wrong_heads(monkeypatch):
    class Wrong(Llava):
        def split_heads(self, layer, projected):
            return projected.unflatten(-1, (layer.self_attn.head_dim, -1)).transpose(-1, -2)

    monkeypatch.setitem(models.registry(), "llava", Wrong)


def wrong_projection(monkeypatch):
    class Wrong(Llava):
        def project(self, layer, hidden):
            layer.self_attn.q_proj(hidden)  # without the norm before it
            layer.self_attn.k_proj(hidden)

    monkeypatch.setitem(models.registry(), "llava", Wrong)


def wrong_rotary(monkeypatch):
    class Wrong(Gemma3):
        def rotary(self, decoder, layer, hidden, positions):
            return super().rotary(decoder, -1, hidden, positions)

    monkeypatch.setitem(models.registry(), "gemma3", Wrong)


def no_injections(monkeypatch):
    class Wrong(Qwen3VL):
        def take_injections(self, kwargs):
            return super().take_injections(kwargs)[0], []

    monkeypatch.setitem(models.registry(), "qwen3_vl", Wrong)


def features_by_window(monkeypatch):
    class Wrong(Qwen25VL):
        features = Qwen2VL.features  # as the vision tower has them

    monkeypatch.setitem(models.registry(), "qwen2_5_vl", Wrong)


def columns_first(monkeypatch):
    def places(self):
        row, column, *rest = right(self).unbind(-1)
        return torch.stack([column, row, *rest], -1)

    right = Layout.places.func
    monkeypatch.setattr(Layout, "places", property(places))


def always_compact(monkeypatch):
    def run_stage(self, index, *arguments):
        self.stages[index] = replace(self.stages[index], positions="compact")
        return right(self, index, *arguments)

    right = Engine._run_stage
    monkeypatch.setattr(Engine, "_run_stage", run_stage)


def never_compact(monkeypatch):
    monkeypatch.setattr(segments, "compact", lambda after, prompt: after)


def no_windows(monkeypatch):
    monkeypatch.setattr(masks, "window_of", lambda layer: None)


def padding_in_sight(monkeypatch):
    right = masks.pick
    monkeypatch.setattr(
        masks, "pick", lambda mask, order, valid: right(mask, order, torch.ones_like(valid))
    )


def one_more(monkeypatch):
    monkeypatch.setattr(
        Attention, "select", lambda self, s, counts: highest(self.score(s), s.present, counts + 1)
    )


def hooks_stay(monkeypatch):
    monkeypatch.setattr(prune, "__exit__", lambda self, *exception: None)


@pytest.mark.parametrize(
    "name, spoil, check",
    [
        ("llava", wrong_heads, contract.check_scores_are_attention),
        ("llava", wrong_heads, contract.check_recorded_scores_are_attention),
        ("llava", wrong_heads, contract.check_later_stages_score_what_is_left),
        ("llava", wrong_projection, contract.check_scores_are_attention),
        ("gemma3", wrong_rotary, contract.check_rotary_is_that_of_the_model),
        ("qwen3_vl", no_injections, contract.check_keeping_all_is_identity),
        ("qwen3_vl", no_injections, contract.check_dropping_is_masking),
        ("qwen2_5_vl", features_by_window, contract.check_features_are_those_of_the_tokens),
        ("llava-wide", columns_first, contract.check_places_follow_the_raster),
        ("paligemma", always_compact, contract.check_dropping_is_masking),
        ("qwen2_vl", never_compact, contract.check_dropping_is_masking),
        ("gemma3", no_windows, contract.check_dropping_is_masking),
        ("gemma3", padding_in_sight, contract.check_a_batch_equals_one_by_one),
        ("llava", one_more, contract.check_counts_and_order),
        ("llava", one_more, contract.check_recorded_scores_give_the_kept_tokens),
        ("llava", hooks_stay, contract.check_nothing_stays),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_contract_finds(monkeypatch, name, spoil, check):
    case = NAMED[name]
    rows = range(len(case.prompts))
    fresh = Trial(case.build("sdpa"), case.inputs(*rows), [case.inputs(row) for row in rows])
    spoil(monkeypatch)
    with pytest.raises(AssertionError):
        check(fresh)


def test_check_model_runs_the_checks(monkeypatch):
    one = trial(NAMED["llava"])
    one_more(monkeypatch)
    with pytest.raises(AssertionError, match="kept"):
        contract.check_model(one.model, one.inputs, one.singles)
