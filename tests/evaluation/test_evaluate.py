"""Evaluation gives what single runs of `prune` give, computes it once, and survives a crash."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import xarray as xr
import yaml
from datasets import Dataset

from helpers.testbed_model import random_examples, save_model
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.errors import InputError
from prunescope.evaluation import answerer, score_extraction
from prunescope.evaluation.evaluate import evaluate
from prunescope.evaluation.out_of_memory import ran_out
from prunescope.evaluation.score_extraction import EXTRACTED, extract
from prunescope.methods import parse_methods
from prunescope.pruning import prune
from prunescope.records.store import RecordStore
from prunescope.scores import record_scores
from prunescope.tasks.card import read_task
from prunescope.tasks.examples import SOURCES, load_examples

ROOT = Path(__file__).parents[2]
METHODS = parse_methods(
    yaml.safe_load("""
unpruned: []
before: [{layer: 0, remove: 0.5, score: {random: {seed: 1}}}]
fastv: [{layer: 1, remove: 0.75, score: {attention: {rope: true}}}]
late: [{layer: 4, remove: 0.5, score: {attention: {rope: false}}}]
random: [{layer: 2, remove: 0.5, score: {random: {seed: 0}}}]
knn: [{layer: 2, keep: 9, score: {knn: {}}}]
compact: [{layer: 2, remove: 0.5, positions: compact, score: {attention: {rope: true}}}]
feather:
  - {layer: 2, remove: 0.7, score: {attention: {rope: false}}, always: {uniform: {stride: 3}}}
  - {layer: 4, remove: 0.5, power: 2, score: {attention: {rope: false}}}
"""),
    "test",
)
FEW = {name: METHODS[name] for name in ("unpruned", "fastv")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def checkpoint(folder):
    return Checkpoint("tiny", folder)


@pytest.fixture
def store(tmp_path):
    return RecordStore(tmp_path)


@pytest.fixture
def computed(monkeypatch):
    """Counts (method, example) as they are computed."""
    count, run = Counter(), answerer.Answerer.run

    def counting(self, batch, methods):
        for method, records in run(self, batch, methods):
            count.update((method.name, record["example"]) for record in records)
            yield method, records

    monkeypatch.setattr(answerer.Answerer, "run", counting)
    return count


@pytest.mark.parametrize("attn", ["sdpa", "eager"])
def test_sharing_gives_what_single_runs_of_prune_give(folder, task, store, attn):
    checkpoint = Checkpoint("tiny", folder, attn=attn)
    records = evaluate(checkpoint, task, METHODS, store, batch_size=4, limit=6).to_pylist()
    loaded = checkpoint.load()
    model, processor = loaded.model, loaded.processor
    rows = {row["id"]: row for row in random_examples(10).select(range(6))}
    assert len(records) == len(METHODS) * len(rows)
    for record in records:
        row, method = rows[record["example"]], METHODS[record["method"]]
        inputs = processor(images=row["image"], text=task.ask(row), return_tensors="pt")
        with torch.inference_mode(), prune(model, method) as trace:
            tokens = model.generate(**inputs, max_new_tokens=4, do_sample=False)
        tokens = tokens[:, inputs["input_ids"].shape[1] :]
        [answer] = processor.batch_decode(tokens, skip_special_tokens=True)
        assert record["prediction"] == answer.strip()
        assert record["kept"] == [stage[0].tolist() for stage in trace.kept]
        lengths = sum(layer[0] for layer in trace.kv_lengths)
        assert record["kv_bytes"] == lengths * 2 * 2 * 8 * 4  # k and v, 2 heads of 8 floats
    answers = {name: [r["prediction"] for r in records if r["method"] == name] for name in METHODS}
    assert len(set(map(tuple, answers.values()))) > 4  # else equality would say little


def test_the_vision_tower_and_common_layers_run_once_per_batch(
    checkpoint, task, store, monkeypatch
):
    loaded, calls = checkpoint.load(), Counter()
    model = loaded.model.model
    tower, layers = model.vision_tower, model.language_model.layers
    for name, module in {
        "tower": tower,
        "layer 0": layers[0].mlp,
        "layer 3": layers[3].mlp,
    }.items():
        module.register_forward_hook(lambda *args, name=name: calls.update([name]))
    monkeypatch.setattr(Checkpoint, "load", lambda self: loaded)
    short = replace(task, max_new_tokens=1)
    evaluate(checkpoint, short, METHODS, store, batch_size=10)
    # "before" starts at layer 0; "unpruned" and "late" share layer 3, six others have their own.
    assert calls == {"tower": 1, "layer 0": 2, "layer 3": 7}
    assert all("forward" not in vars(layer) for layer in layers)


def test_records_say_what_was_computed(checkpoint, task, store):
    record = evaluate(checkpoint, task, METHODS, store, limit=1).to_pylist()[2]
    assert (record["model"], record["task"], record["method"]) == ("tiny", "locate", "fastv")
    assert (record["example"], record["image"]) == ("example-0", "image-0")
    assert (record["kind"], record["target"]) == ("present", "yes")
    assert record["target_box"] == pytest.approx([0.1, 0.1, 0.5, 0.5])
    assert record["stage_layers"] == [1] and len(record["kept"][0]) == 9
    assert record["mean_tokens"] == (36 + 5 * 9) / 6


def test_nothing_is_computed_twice(checkpoint, task, store, computed):
    first = evaluate(checkpoint, task, FEW, store, batch_size=4)
    assert set(computed.values()) == {1} and len(computed) == 20
    again = evaluate(checkpoint, task, FEW, RecordStore(store.root), batch_size=3)
    assert len(computed) == sum(computed.values()) and again == first


def test_a_killed_run_loses_at_most_a_batch(checkpoint, task, store, computed, monkeypatch):
    append, parts = RecordStore.append, []

    def killed(self, key, records, manifest):
        if len(parts) == 3:  # two methods have the first batch, one the second
            raise KeyboardInterrupt
        parts.append(len(records))
        return append(self, key, records, manifest)

    monkeypatch.setattr(RecordStore, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        evaluate(checkpoint, task, FEW, store, batch_size=4)
    monkeypatch.setattr(RecordStore, "append", append)
    computed.clear()
    resumed = evaluate(checkpoint, task, FEW, store, batch_size=4)
    assert sum(computed.values()) == 20 - sum(parts) and set(computed.values()) == {1}
    fresh = evaluate(checkpoint, task, FEW, RecordStore(store.root / "fresh"), batch_size=4)
    assert resumed == fresh


def test_only_what_changed_is_computed(checkpoint, folder, task, store, computed):
    evaluate(checkpoint, task, FEW, store, limit=4)
    computed.clear()
    evaluate(checkpoint, task, FEW | {"late": METHODS["late"]}, store, limit=4)
    assert {name for name, _ in computed} == {"late"} and len(computed) == 4
    computed.clear()
    evaluate(checkpoint, task, FEW, store, limit=6)
    assert {example for _, example in computed} == {"example-4", "example-5"}
    for changed in (
        (checkpoint, replace(task, prompt="<image> {question} Out:")),
        (Checkpoint("tiny", folder, attn="eager"), task),
    ):
        computed.clear()
        evaluate(*changed, FEW, store, limit=4)
        assert len(computed) == 8


def test_another_library_computes_anew(checkpoint, task, store, computed, monkeypatch):
    evaluate(checkpoint, task, FEW, store, limit=4)
    computed.clear()
    monkeypatch.setattr("prunescope.checkpoints.checkpoint.version", lambda name: "0.0")
    evaluate(checkpoint, task, FEW, store, limit=4)
    assert len(computed) == 8


def test_a_damaged_part_is_computed_again(checkpoint, task, store, computed):
    first = evaluate(checkpoint, task, FEW, store, batch_size=4)
    part = next(store.root.rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-9])
    computed.clear()
    assert evaluate(checkpoint, task, FEW, store, batch_size=4) == first
    assert len(computed) == 10 and len({method for method, _ in computed}) == 1


def test_a_method_that_does_not_fit_stops_before_the_model_runs(checkpoint, task, store, computed):
    deep = parse_methods({"deep": [{"layer": 6, "score": {"uniform": {"stride": 2}}}]}, "test")
    with pytest.raises(InputError, match=r"'deep', stage at layer 6: layer must lie in 0\.\.5"):
        evaluate(checkpoint, task, FEW | deep, store)
    assert not computed


def test_methods_that_are_decoded_together_answer_the_same(checkpoint, task, monkeypatch):
    monkeypatch.setattr(answerer, "TOGETHER", 3)
    batch, answers = load_examples(task, 6), []
    for joins in (False, True):
        answering = answerer.Answerer("tiny", task, checkpoint.load())
        answering.joins = joins
        answers.append(
            {
                method.name: records
                for method, records in answering.run(batch, list(METHODS.values()))
            }
        )
    apart, together = answers
    assert together == apart and len(together) == len(METHODS)


def limit_memory(monkeypatch, size, error):
    """The model fails with more than `size` examples; the first call works with any number."""
    tried, branch = [], answerer.Branch

    def limited(model, inputs, *arguments):
        tried.append(len(inputs["input_ids"]))
        if len(tried) > 1 and tried[-1] > size:
            raise error
        return branch(model, inputs, *arguments)

    monkeypatch.setattr(answerer, "Branch", limited)
    return tried


CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
CPU = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to")


@pytest.mark.parametrize("error", [CUDA, CPU], ids=["cuda", "cpu"])
def test_without_memory_the_batch_is_halved(
    checkpoint, task, store, computed, monkeypatch, caplog, error
):
    tried = limit_memory(monkeypatch, 3, error)
    records = evaluate(checkpoint, task, FEW, store, batch_size=8)
    # The first method has its eight, the second gets them in twos; so do both in the last batch.
    assert tried == [8, 8, 4, 2, 2, 2, 2, 2, 2] and set(computed.values()) == {1}
    assert "out of memory with 8 examples: going on with 4" in caplog.text
    monkeypatch.undo()
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(10))
    assert records == evaluate(checkpoint, task, FEW, RecordStore(store.root / "all"))
    parts = store.root.glob("*/*.parquet")
    manifests = [json.loads(pq.read_schema(part).metadata[b"manifest"]) for part in parts]
    sizes = [[(run["batch_size"], run["out_of_memory"]) for run in runs] for runs in manifests]
    assert sorted(sizes, key=len) == [[(2, [8, 4])], [(8, []), (2, [8, 4])]]


def test_without_memory_scores_are_extracted_in_halves(checkpoint, task, tmp_path, monkeypatch):
    extract(checkpoint, task, tmp_path / "whole", batch_size=8, limit=8)
    tried, record = [], score_extraction.record_scores

    def limited(model, inputs, **options):
        tried.append(len(inputs["input_ids"]))
        if tried[-1] > 2:
            raise CUDA
        return record(model, inputs, **options)

    monkeypatch.setattr(score_extraction, "record_scores", limited)
    extract(checkpoint, task, tmp_path / "halves", batch_size=8, limit=8)
    whole, halves = (xr.open_zarr(tmp_path / name) for name in ("whole", "halves"))
    assert tried == [8, 4, 2, 2, 2, 2] and halves.attrs.pop("out_of_memory") == [8, 4]
    assert halves.attrs == whole.attrs
    xr.testing.assert_allclose(halves, whole, atol=1e-6)


def test_the_error_of_a_full_cpu_is_recognised():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**58)
    assert ran_out(error.value)


def test_one_example_that_is_too_much_is_an_error(checkpoint, task, store, monkeypatch):
    tried = limit_memory(monkeypatch, 0, CPU)
    with pytest.raises(InputError, match="out of memory with one example"):
        evaluate(checkpoint, task, FEW, store, batch_size=3)
    assert tried == [3, 3, 1]


def test_other_errors_are_no_lack_of_memory(checkpoint, task, store, monkeypatch):
    tried = limit_memory(monkeypatch, 0, RuntimeError("shapes do not match"))
    with pytest.raises(RuntimeError, match="shapes do not match"):
        evaluate(checkpoint, task, FEW, store, batch_size=3)
    assert tried == [3, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"limit": 0}, "limit: must be at least 1 or null, got 0"),
        ({"batch_size": 0}, "batch_size: must be at least 1, got 0"),
    ],
)
def test_nothing_to_do_is_an_error(checkpoint, task, store, options, message):
    with pytest.raises(InputError, match=message):
        evaluate(checkpoint, task, FEW, store, **options)


def test_a_task_without_examples_is_an_error(checkpoint, task, store, monkeypatch):
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(2).select([]))
    with pytest.raises(InputError, match=r"'locate': split: .* has no examples"):
        evaluate(checkpoint, task, FEW, store)


def test_a_model_without_any_valid_answer_is_said_so(checkpoint, task, store, caplog):
    records = evaluate(checkpoint, task, FEW, store, limit=3)
    silent = [record["method"] for record in records.to_pylist() if record["invalid"]]
    assert silent == ["unpruned"] * 3 + ["fastv"] * 3  # a random model names no box
    for name in FEW:
        assert f"task 'locate', method {name!r}: no answer is valid" in caplog.text


ORACLES = parse_methods(
    yaml.safe_load("""
oracle: [{layer: 1, keep: 9, score: {oracle: {}}}]
anti-oracle: [{layer: 1, keep: 9, score: {oracle: {inverse: true}}}]
"""),
    "test",
)


def test_the_oracle_keeps_the_tokens_of_each_examples_box(checkpoint, store, monkeypatch):
    boxes = [[0.0, 0.0, 0.5, 0.5], [0.5, 0.5, 1.0, 1.0], [0.5, 0.0, 1.0, 0.5]]  # 3 x 3 tokens each
    rows = random_examples(9).remove_columns("box").add_column("box", 3 * boxes)
    monkeypatch.setitem(SOURCES, "testbed", lambda task: rows)
    task = read_task(ROOT / "data" / "tasks" / "locate.yaml")
    records = evaluate(checkpoint, task, ORACLES, store, batch_size=4).to_pylist()
    for index in range(9):
        top, left = [(0, 0), (3, 3), (0, 3)][index % 3]
        inside = {6 * row + col for row in range(top, top + 3) for col in range(left, left + 3)}
        assert set(records[index]["kept"][0]) == inside
        assert len(records[9 + index]["kept"][0]) == 9
        assert not inside & set(records[9 + index]["kept"][0])


def test_a_task_without_boxes_has_no_oracle(checkpoint, store, caplog, monkeypatch):
    rows = random_examples(4).to_list()
    for row in rows[2:]:
        row["box"] = []
    features = random_examples(1).features
    monkeypatch.setitem(SOURCES, "testbed", lambda task: Dataset.from_list(rows, features=features))
    task = read_task(ROOT / "data" / "tasks" / "locate.yaml")
    replay = parse_methods({"r": [{"layer": 0, "score": {"replay": {"method": "oracle"}}}]}, "test")
    records = evaluate(checkpoint, task, FEW | replay | ORACLES, store)
    assert set(records["method"].to_pylist()) == set(FEW) and records.num_rows == 8
    [message] = [text for text in caplog.messages if "skipped" in text]
    assert "'locate': 2 of 4 examples have no true box, the first is 'example-2'" in message
    assert message.endswith("skipped ['anti-oracle', 'oracle', 'r']")
    with pytest.raises(InputError, match=r"'locate': none of the methods .*'oracle'.* is possible"):
        evaluate(checkpoint, task, ORACLES, store)


REPLAY = parse_methods(
    {
        "before-llm": [{"layer": 0, "score": {"replay": {"method": "feather"}}}],
        "replayed-at-2": [{"layer": 2, "score": {"replay": {"method": "feather"}}}],
    },
    "test",
)
SOURCE = {"feather": METHODS["feather"]}


def kept_of(records, method):
    return {r["example"]: r["kept"][-1] for r in records.to_pylist() if r["method"] == method}


def test_a_replay_keeps_what_its_source_kept_last(checkpoint, task, store):
    records = evaluate(checkpoint, task, REPLAY | METHODS, store, batch_size=4, limit=6)
    kept = kept_of(records, "feather")
    assert kept_of(records, "before-llm") == kept_of(records, "replayed-at-2") == kept
    assert len(set(map(tuple, kept.values()))) > 1
    [first, *_] = records.to_pylist()
    assert first["stage_layers"] == [0] and first["mean_tokens"] == len(kept["example-0"])
    answers = {
        name: [r["prediction"] for r in records.to_pylist() if r["method"] == name]
        for name in ("before-llm", "feather")
    }
    assert answers["before-llm"] != answers["feather"]


def test_a_replay_is_that_of_single_runs_of_prune(checkpoint, task, store):
    records = evaluate(checkpoint, task, SOURCE | REPLAY, store, batch_size=3, limit=4)
    loaded = checkpoint.load()
    model, processor = loaded.model, loaded.processor
    rows = {row["id"]: row for row in random_examples(4)}
    for record in records.to_pylist()[4:]:
        row, method = rows[record["example"]], REPLAY[record["method"]]
        kept = [torch.tensor(kept_of(records, "feather")[record["example"]])]
        inputs = processor(images=row["image"], text=task.ask(row), return_tensors="pt")
        with torch.inference_mode(), prune(model, method, kept=kept):
            tokens = model.generate(**inputs, max_new_tokens=4, do_sample=False)
        [answer] = processor.batch_decode(tokens[:, inputs["input_ids"].shape[1] :], True)
        assert record["prediction"] == answer.strip()


def test_a_replay_goes_on_from_the_store(checkpoint, task, store, computed):
    """Whichever of the two is finished, and for whichever examples."""
    both = SOURCE | REPLAY
    fresh = evaluate(checkpoint, task, both, RecordStore(store.root / "fresh"), batch_size=4)
    evaluate(checkpoint, task, SOURCE, store, batch_size=4, limit=3)
    evaluate(checkpoint, task, both, store, batch_size=2, limit=5)
    computed.clear()
    assert evaluate(checkpoint, task, both, store, batch_size=3) == fresh
    assert set(computed.values()) == {1} and len(computed) == 3 * 5


def test_a_replay_depends_on_its_source(checkpoint, task, store, computed):
    evaluate(checkpoint, task, SOURCE | REPLAY | FEW, store, limit=3)
    computed.clear()
    other = parse_methods({"feather": [{"layer": 1, "keep": 7, "score": {"centre": {}}}]}, "test")
    records = evaluate(checkpoint, task, other | REPLAY | FEW, store, limit=3)
    assert {name for name, _ in computed} == {"feather", *REPLAY}
    assert all(len(kept) == 7 for kept in kept_of(records, "before-llm").values())


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        (REPLAY | FEW, r"'before-llm': replays 'feather', not one of the study: \['fastv', "),
        ({**REPLAY, "feather": METHODS["unpruned"]}, "replays 'feather', which keeps all tokens"),
        ({**REPLAY, "feather": REPLAY["before-llm"]}, "'feather', which is itself a replay"),
        (
            SOURCE | FEW | parse_methods({"two": [
                {"layer": 0, "score": {"replay": {"method": "fastv"}}},
                {"layer": 1, "score": {"replay": {"method": "feather"}}},
            ]}, "test"),
            r"'two': replays \['fastv', 'feather'\]; one is allowed",
        ),
    ],
)  # fmt: skip
def test_a_replay_that_is_not_possible(checkpoint, task, store, computed, methods, message):
    with pytest.raises(InputError, match=message):
        evaluate(checkpoint, task, methods, store)
    assert not computed


def test_a_checkpoint_reads_its_weights_only_when_asked(folder, monkeypatch):
    monkeypatch.setattr(Checkpoint, "weights", property(lambda self: pytest.fail("read")))
    Checkpoint("tiny", folder, sha256="0" * 64)


def test_weights_that_are_missing_or_are_others(tmp_path, folder):
    with pytest.raises(InputError, match=r"path: .* has no config\.json"):
        Checkpoint("tiny", tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"path: .* has no \*\.safetensors"):
        Checkpoint("tiny", tmp_path)
    good = Checkpoint("tiny", folder).weights
    assert Checkpoint("tiny", folder, sha256=good).weights == good
    with pytest.raises(InputError, match=f"{folder}.*{good}, the configuration says {'0' * 64}"):
        Checkpoint("tiny", folder, sha256="0" * 64).verify()
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / "weights.sha256").write_text(f"{'1' * 64}  model.safetensors\n")
    with pytest.raises(InputError, match=rf"{good}, .*weights\.sha256 says {'1' * 64}"):
        Checkpoint("tiny", copy).verify()


@pytest.mark.parametrize(
    ("option", "message"),
    [({"dtype": "float8"}, r"dtype: 'float8' is not one of"), ({"attn": "fast"}, "'fast'")],
)
def test_numerics_that_are_not_known(folder, option, message):
    with pytest.raises(InputError, match=message):
        Checkpoint("tiny", folder, **option)


def test_extracted_scores_are_labelled_and_those_of_single_runs(checkpoint, task, tmp_path):
    extract(checkpoint, task, tmp_path / "scores.zarr", batch_size=4, limit=6)
    stored = xr.open_zarr(tmp_path / "scores.zarr")
    assert dict(stored.sizes) == {"example": 6, "layer": 6, "variant": 3, "row": 6, "col": 6}
    assert list(stored["layer"]) == [1, 2, 3, 4, 5, 6]
    assert stored["score"].dtype == np.float32 and stored.attrs["dtype"] == "float32"
    assert list(stored["variant"].values) == ["rope", "norope", "rope-alone"]
    loaded = checkpoint.load()
    model, processor = loaded.model, loaded.processor
    for row in random_examples(6):
        inputs = processor(images=row["image"], text=task.ask(row), return_tensors="pt")
        single = record_scores(model, inputs, variants=EXTRACTED.values())[0].unflatten(-1, (6, 6))
        extracted = stored.sel(example=row["id"])
        np.testing.assert_allclose(extracted["score"], single, atol=1e-5)
        assert extracted["image"].item() == row["image_id"]
