"""Records survive crashes, damage and other processes."""

import json
import logging
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.writers import KEY, PARTS, append_many, record
from prunescope.errors import InputError
from prunescope.records.store import SCHEMA, RecordStore, Writer, key_digest

OTHER = {"model": "m", "method": {"name": "other", "stages": []}}


@pytest.fixture
def store(tmp_path):
    store = RecordStore(tmp_path / "records")
    store.append(KEY, [record("a"), record("b")], {"device": "cpu"})
    store.append(KEY, [record("c", score=0.0)], {"device": "cpu"})
    return store


def parts(store, key=KEY):
    return sorted(store.folder(key).glob("*.parquet"))


def test_digest_is_of_the_data_not_of_their_order():
    assert key_digest({"a": 1, "b": [1, 2]}) == key_digest({"b": [1, 2], "a": 1})
    assert key_digest({"a": 1, "b": [1, 2]}) != key_digest({"a": 1, "b": [2, 1]})


def test_what_was_appended_is_read_in_the_order_asked_for(store):
    store.append(OTHER, [record(name, method="other") for name in "abc"], {})
    table = store.read([OTHER, KEY], ["c", "a"])
    assert table.schema == SCHEMA
    assert table["method"].to_pylist() == ["other", "other", "unpruned", "unpruned"]
    assert table["example"].to_pylist() == ["c", "a", "c", "a"]
    assert table["score"].to_pylist() == [1, 1, 0, 1]
    assert table["kept"][0].as_py() == [[0, 5]]


def test_the_folder_tells_its_key_and_each_part_how_it_came_about(store):
    assert json.loads((store.folder(KEY) / "key.json").read_text()) == KEY
    manifest = pq.read_schema(parts(store)[0]).metadata[b"manifest"]
    assert json.loads(manifest) == [{"device": "cpu"}]


def test_a_writer_leaves_one_part_that_has_it_all(store):
    writer, sizes = Writer(store, most=3), []
    for row in range(8):
        writer.append(OTHER, [record(f"{row}", method="other")], {"batch": row // 4})
        sizes.append(len(parts(store, OTHER)))
    assert sizes == [1, 2, 1, 2, 1, 2, 1, 2]  # stored at once, merged by threes
    writer.append(KEY, [record("d")], {})
    writer.finish()
    [whole] = parts(store, OTHER)
    manifest = json.loads(pq.read_schema(whole).metadata[b"manifest"])
    assert manifest == [{"batch": 0}, {"batch": 1}]
    assert store.read([OTHER], list("01234567"))["example"].to_pylist() == list("01234567")
    assert len(parts(store)) == 3  # parts of other jobs are left alone
    assert store.finished(KEY) == {"a", "b", "c", "d"}


def test_parts_that_are_merged_while_one_reads_are_found_again(store, monkeypatch):
    writer, read = Writer(store), pq.read_table
    for row in range(4):
        writer.append(OTHER, [record(f"{row}")], {})

    def slow(*args, **kwargs):
        monkeypatch.setattr(pq, "read_table", read)
        writer.finish()
        return read(*args, **kwargs)

    monkeypatch.setattr(pq, "read_table", slow)
    assert store.finished(OTHER) == set("0123")
    assert not list(store.folder(OTHER).glob("*.corrupt"))


def test_keys_do_not_mix(store):
    assert store.finished(KEY) == {"a", "b", "c"}
    assert store.finished(OTHER) == set()


def test_a_record_that_is_missing_is_an_error(store):
    with pytest.raises(InputError, match="1 of 2 records are missing"):
        store.read([KEY], ["a", "z"])


def test_an_example_done_twice_is_read_once(store):
    store.append(KEY, [record("a")], {})
    assert store.read([KEY], ["a", "b"])["example"].to_pylist() == ["a", "b"]


def truncate(path):
    path.write_bytes(path.read_bytes()[:-20])


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[data.index(b"unpruned") + 3] ^= 1
    path.write_bytes(data)


def empty(path):
    path.write_bytes(b"")


def swap_records(path):
    """A valid file, but not the one that was written."""
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "model", pa.array(["other"] * len(table))), path)


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, empty, swap_records])
def test_a_damaged_part_is_set_aside_and_said_so(store, damage, caplog):
    [damaged] = [path for path in parts(store) if pq.read_table(path).num_rows == 2]
    damage(damaged)
    with caplog.at_level(logging.WARNING):
        assert store.finished(KEY) == {"c"}
    assert "set aside" in caplog.text
    assert damaged.with_suffix(".corrupt").exists() and damaged not in parts(store)


def test_the_same_part_twice_is_one(store):
    store.append(KEY, [record("c", score=0.0)], {"device": "cpu"})
    assert len(parts(store)) == 2


def test_processes_may_append_to_one_key_at_the_same_time(tmp_path):
    context = get_context("spawn")
    barrier = context.Barrier(2)
    writers = [context.Process(target=append_many, args=(tmp_path, w, barrier)) for w in "ab"]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0, 0]
    store, names = (
        RecordStore(tmp_path),
        [f"{w}-{i}" for w in ("a", "b", "both") for i in range(PARTS)],
    )
    assert store.read([KEY], names)["example"].to_pylist() == names
    assert {path.suffix for path in store.folder(KEY).iterdir()} == {".json", ".parquet"}


def test_what_another_job_writes_meanwhile_does_no_harm(tmp_path, monkeypatch):
    write = Path.write_bytes

    def slowly(path, data):
        monkeypatch.setattr(Path, "write_bytes", write)
        write(path, data)
        RecordStore(tmp_path).append(KEY, [record("a")], {})  # the other job, from start to end

    monkeypatch.setattr(Path, "write_bytes", slowly)
    store = RecordStore(tmp_path)
    store.append(KEY, [record("a")], {})
    assert store.read([KEY], ["a"]).num_rows == len(parts(store)) == 1


def test_a_damaged_part_may_be_set_aside_by_another_job(store, monkeypatch):
    def gone(path):
        path.rename(path.with_suffix(".corrupt"))
        raise OSError("damaged")

    monkeypatch.setattr("prunescope.records.parts._read_part", gone)
    assert store.finished(KEY) == set()


def test_a_part_that_was_being_written_does_not_count(store, monkeypatch):
    def killed(self, target):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        store.append(KEY, [record("d")], {})
    assert store.finished(KEY) == {"a", "b", "c"}
    assert len(list(store.folder(KEY).iterdir())) == 3
