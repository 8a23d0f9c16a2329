"""`prunescope export`: what others read is what the records say."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_from_disk

from prunescope.cli import main
from prunescope.records.store import SCHEMA

RECORD = {
    "model": "tiny", "task": "locate", "kind": "", "prediction": "1 2 3 4", "target": "1 2 3 5",
    "score": 1.0, "iou": 0.75, "invalid": False, "target_box": [0.0, 0.1, 0.2, 0.3],
    "mean_tokens": 36.0, "kv_bytes": 10, "stage_layers": [1], "kept": [[0, 5]],
}  # fmt: skip


def records(path, examples, task="locate", methods=("a", "b"), **changed):
    rows = [
        RECORD | {"example": name, "image": f"i{name}", "task": task, "method": method} | changed
        for method in methods
        for name in examples
    ]
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
    return path


@pytest.fixture
def files(tmp_path):
    """Two shards of one task, and another task that has no boxes."""
    return [
        records(tmp_path / "0.parquet", ["q0", "q1"]),
        records(tmp_path / "1.parquet", ["q2"]),
        records(tmp_path / "count.parquet", ["q3"], "count", iou=float("nan"), score=0.0),
    ]


def export(form, files, out):
    return main(["export", form, *map(str, files), "--out", str(out)])


def test_samples_of_lmms_eval(files, tmp_path):
    assert export("lmms-eval", files, tmp_path / "out") == 0
    written = {str(p.relative_to(tmp_path / "out")) for p in tmp_path.glob("out/*/*/*.jsonl")}
    names = ("locate", "count")
    assert written == {f"tiny/{m}/samples_{task}.jsonl" for m in "ab" for task in names}
    text = (tmp_path / "out/tiny/b/samples_locate.jsonl").read_text()
    samples = [json.loads(line) for line in text.splitlines()]
    assert [(s["doc_id"], s["doc"]["example"]) for s in samples] == list(
        enumerate(["q0", "q1", "q2"])
    )
    assert samples[0]["filtered_resps"] == ["1 2 3 4"] and samples[0]["target"] == "1 2 3 5"
    assert samples[0]["score"] == 1.0 and samples[0]["iou"] == 0.75
    count = json.loads((tmp_path / "out/tiny/a/samples_count.jsonl").read_text())
    assert "iou" not in count and count["score"] == 0.0


def test_a_true_box_without_words_is_written_as_a_list(tmp_path):
    boxed = records(tmp_path / "boxed.parquet", ["q0"], "refcoco", target="")
    asked = records(tmp_path / "asked.parquet", ["q1"], "vqav2", target="", target_box=[])
    export("lmms-eval", [boxed, asked], tmp_path / "out")
    lines = [tmp_path / f"out/tiny/a/samples_{task}.jsonl" for task in ("refcoco", "vqav2")]
    targets = [json.loads(line.read_text())["target"] for line in lines]
    assert targets == ["[0.0, 0.1, 0.2, 0.3]", ""]


def test_lmms_eval_takes_samples_as_a_baseline(files, tmp_path):
    baselines = pytest.importorskip("lmms_eval.baselines", exc_type=ImportError)
    export("lmms-eval", files, tmp_path / "out")
    scores, _ = baselines.load_baseline(str(tmp_path / "out/tiny/a/samples_locate.jsonl"), "locate")
    # the answers are not the targets in words: the scores are what was read
    assert scores == {0: 1.0, 1: 1.0, 2: 1.0}


def test_the_same_question_has_the_same_hash_with_every_method(files, tmp_path):
    export("lmms-eval", files, tmp_path / "out")
    hashes = [
        [json.loads(line)["doc_hash"] for line in path.read_text().splitlines()]
        for path in sorted(tmp_path.glob("out/tiny/*/samples_locate.jsonl"))
    ]
    assert hashes[0] == hashes[1] and len(set(hashes[0])) == 3


def test_a_data_set(files, tmp_path):
    assert export("dataset", files, tmp_path / "out") == 0
    loaded = load_from_disk(str(tmp_path / "out"))
    assert {name: len(split) for name, split in loaded.items()} == {"locate": 6, "count": 2}
    assert loaded["locate"].column_names == SCHEMA.names
    assert loaded["locate"][-1]["example"] == "q2" and loaded["count"][0]["kept"] == [[0, 5]]


def test_wrong_input_writes_nothing(files, tmp_path, capsys):
    pq.write_table(pa.table({"example": ["q0"]}), tmp_path / "other.parquet")
    (tmp_path / "text.parquet").write_text("no")
    for wrong, message in (
        ("none.parquet", "there is no file"),
        ("text.parquet", "not Parquet"),
        ("other.parquet", "it lacks the columns ['model', 'task'"),
    ):
        assert export("lmms-eval", [*files, tmp_path / wrong], tmp_path / "out") == 2
        assert message in capsys.readouterr().err and not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    assert export("dataset", files, tmp_path / "full") == 2
    assert "not an empty folder" in capsys.readouterr().err
