"""Recipes of the documentation for other harnesses work as they stand, on a tiny model."""

import importlib
from pathlib import Path

import pytest
import yaml
from datasets import Dataset, Features, Image, Value
from transformers import AutoModelForImageTextToText, AutoProcessor

from helpers.chat_model import save_model
from helpers.pages import ROOT, blocks
from helpers.tiny_benchmarks import picture
from helpers.tiny_llava import build_inputs, build_llava, row_of
from prunescope.methods import parse_methods
from prunescope.pruning import prune

PYTHON = blocks(ROOT / "docs/library.md", "python")
[LOOP] = [code for code in PYTHON if "in batches" in code]
[LMMS_EVAL] = [code for code in PYTHON if "simple_evaluate" in code]
FASTV = [{"layer": 1, "remove": 0.75, "score": {"attention": {}}}]
TASK = {
    "task": "small", "dataset_path": "parquet", "test_split": "test",
    "dataset_kwargs": {"data_files": {"test": "rows.parquet"}},
    "doc_to_visual": "image", "doc_to_text": "question", "doc_to_target": "answer",
    "output_type": "generate_until", "generation_kwargs": {"max_new_tokens": 20},
    "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
}  # fmt: skip
QUESTIONS = ["Yes A B", "No True C D E", "A", "False B"]


class Tokens:
    """A processor whose answers are the numbers of their tokens."""

    def batch_decode(self, tokens, skip_special_tokens):
        return tokens.tolist()


def looped(model, processor, stages, batches):
    """Answers that the loop collects, and the kept tokens of each example."""
    [method] = parse_methods({"fastv": stages}, "test").values()
    names = {"model": model, "processor": processor, "method": method, "batches": batches}
    exec(LOOP, names | {"prune": prune}, results := {})
    return results["answers"], [kept.tolist() for kept in results["kept"]]


def test_a_loop_of_ones_own():
    model, stages = build_llava(), [*FASTV, {"layer": 3, "keep": 4, "score": {"attention": {}}}]
    batches = [build_inputs((5, 3)), build_inputs((4, 6), seed=1)]
    alone = [row_of(batch, row) for batch in batches for row in (0, 1)]
    answers, kept = looped(model, Tokens(), stages, batches)
    assert (answers, kept) == looped(model, Tokens(), stages, alone)
    assert [len(answer) for answer in answers] == [20] * 4
    assert [len(tokens) for tokens in kept] == [4] * 4 and kept[0] != kept[2]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A working directory with a tiny model under the recipe's name, and a small task."""
    pytest.importorskip("lmms_eval.evaluator", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    save_model(Path("llava-hf/llava-1.5-7b-hf"))
    rows = [
        {"question": question, "answer": "A", "image": picture(number)}
        for number, question in enumerate(QUESTIONS)
    ]
    types = Features({"question": Value("string"), "answer": Value("string"), "image": Image()})
    Dataset.from_list(rows, types).to_parquet("rows.parquet")
    Path("tasks").mkdir()
    Path("tasks/small.yaml").write_text(yaml.safe_dump(TASK))


def harnessed(stages):
    """Answers of the model to lmms-eval by the recipe, with other stages under the name `fastv`."""
    tasks = importlib.import_module("lmms_eval.tasks").TaskManager(include_path="tasks")
    [method] = parse_methods({"fastv": stages}, "test").values()
    changes = {
        "cuda": "cpu",
        '["gqa"]': '["small"], task_manager=tasks',
        'prune(lm.model, "fastv")': "prune(lm.model, method)",
    }
    code = LMMS_EVAL
    for published, small in changes.items():
        assert published in code
        code = code.replace(published, small)
    exec(code, names := {"tasks": tasks, "method": method})
    samples = names["results"]["samples"]["small"]
    assert [sample["doc_id"] for sample in samples] == [0, 1, 2, 3]
    return [sample["filtered_resps"][0] for sample in samples]


def test_lmms_eval(small):
    """lmms-eval gets the answers that the loop gets, in batches."""
    model = AutoModelForImageTextToText.from_pretrained("llava-hf/llava-1.5-7b-hf")
    processor = AutoProcessor.from_pretrained("llava-hf/llava-1.5-7b-hf")
    model.generation_config.eos_token_id = processor.tokenizer.eos_token_id
    parts = [[{"type": "image"}, {"type": "text", "text": question}] for question in QUESTIONS]
    chats = [[{"role": "user", "content": part}] for part in parts]
    texts = processor.apply_chat_template(chats, tokenize=False)
    batches = [
        processor(
            text=texts[i : i + 2], images=[picture(i), picture(i + 1)],
            padding=True, return_tensors="pt",
        )
        for i in (0, 2)
    ]  # fmt: skip
    answers, kept = looped(model, processor, FASTV, batches)
    assert harnessed(FASTV) == answers and [len(tokens) for tokens in kept] == [9] * 4
    whole = harnessed([])
    assert harnessed([FASTV[0] | {"remove": 0.0}]) == whole != answers
