"""The plan of a study, worked out by hand, and that its numbers have sources."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from helpers import tiny_benchmarks
from prunescope.cli import main
from prunescope.evaluation import score_extraction
from prunescope.progress import duration
from prunescope.study import Study, plan, speeds
from prunescope.study.downloads import downloads
from prunescope.study.workload import job_key, jobs, seconds_by_rule, total_seconds, workload
from prunescope.study.yaml_files import read
from prunescope.tasks.card import find_card, find_cards, read_task
from prunescope.testbed import dataset

ROOT = Path(__file__).parents[2]
ABSENT = {"path": "no/such/folder"}
RULES = {"start": 5.0, "item": 3.0, "methods": 2.0, "ledger": 4.0, "page": 6.0, "notebook": 9.0}
MATCHED = [{"methods": ["fastv"], "layer": [3], "share": [0.5]}]


@pytest.fixture(autouse=True)
def in_project(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Made-up measurements: 2 s for an example, a quarter of it together, records of 700 bytes."""
    cases = [
        {"task": "exists", "methods": 5, "seconds": {"separate": 20.0}, "of separate": 0.2},
        {"task": "locate", "methods": 5, "seconds": {"separate": 100.0}, "of separate": 0.25},
    ]
    forms = [{"form": "a", "bytes a record": 400}, {"form": "b", "bytes a record": 300}]
    write(tmp_path, "evaluation", {"examples": 10, "cases": cases})
    write(tmp_path, "aggregate", {"cases": [*forms, *forms]})
    write(tmp_path, "workflow", {"rules": RULES})
    monkeypatch.setattr(speeds, "RESULTS", tmp_path)
    speeds.rule_seconds.cache_clear()
    yield tmp_path
    speeds.rule_seconds.cache_clear()


def write(folder, name, found):
    result = {"machine": {"gpu": "GPU 9"}, "measured": found}
    (folder / f"{name}.json").write_text(json.dumps(result))


def study(**changes):
    given = {"models": {"m": ABSENT}, "tasks": ["locate"], "methods": ["unpruned", "feather"]}
    return Study.of(given | changes, "test")


def lines(planned):
    """The lines of a plan, by how they begin."""
    return dict(re.findall(r"(?m)^ *(\S[^:\n]*): (.*)", planned))


@pytest.fixture
def small(tmp_path):
    """A model with the size of a testbed, of 4 layers and 5 x 5 visual tokens."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"0" * 1000)
    sizes = {"vision_config": {"image_size": 80, "patch_size": 16}}
    settings = sizes | {"text_config": {"num_hidden_layers": 4}}
    (folder / "config.json").write_text(json.dumps(settings))
    return {"path": str(folder)}


def test_arithmetic(results, small):
    limits = {"evaluate": 450, "attention": 50}
    three = study(models={"m": small}, limits=limits, shards=3)
    [locate] = workload(three)
    assert (locate.questions, locate.scored, locate.answers) == (450, 50, 900)
    assert locate.extraction() == 2 * 50
    assert locate.evaluation(shared=False) == 2 * 450 * 2
    assert locate.evaluation() == 2 * 450  # one method is counted in full
    assert replace(locate, methods=10).evaluation() == 2 * 450 * 2.5
    [exists] = workload(study(models={"m": small}, limits=limits, tasks=["exists"]))
    assert (locate.seconds, exists.seconds) == (2, 0.4)  # the answer is one token
    shared = {job.rule: job for job in jobs(three)}
    assert (shared["evaluate"].seconds, shared["evaluate"].count) == (5 + 2 * 450 / 3, 3)
    assert shared["attention"].seconds == pytest.approx(5 + 2 * 50 / 3)


def test_the_text_states_the_same_numbers(results, small):
    limits = {"evaluate": 450, "attention": 50}
    text = plan.text(study(models={"m": small}, limits=limits), cores=2)
    others = sum(RULES[rule] for rule in ("methods", "ledger", "page", "notebook"))
    seconds = 2 * 5 + 2 * 450 + 2 * 50 + others + RULES["item"]  # the page of the notebook
    first = f"Study study: about {duration(seconds / 2)} on 2 cores; downloads nothing; "
    assert text.startswith(first) and "needs about 0.00069 GB of disk" in text
    rows = [line.split() for line in text.split("\n")]
    assert ["m", "locate", "450", "900", "50", *duration(5 + 900).split()] in rows
    said = lines(text)
    assert said["sharing"].startswith("0.25,") and said["seconds of m"].startswith("2, or 0.4")
    assert said["without sharing"] == f"{duration(2 * 450 * 2 + 2 * 50)} of a core"
    assert said["Downloads"] == "nothing"
    assert said["records"].startswith("about 0.00063 GB; 900 of 700 bytes")  # 450 x 2 x 700
    assert said["scores"].startswith("about 6e-05 GB; ")  # 50 x 4 x 25 x 3 x 4 bytes


def test_questions_are_those_of_the_card_or_the_limit():
    [vsr, pope] = workload(study(tasks=["vsr", "pope"], limits={"evaluate": 5000}))
    assert (vsr.questions, pope.questions, vsr.scored) == (1222, 5000, 1222)


def test_jobs_are_expected_under_the_names_of_their_rules(results, small):
    asked = {"figures": {"mean_kept_row": {}}, "tables": {"cost_table": {}}}
    planned = study(
        models={"a": small, "b": small},
        matched=MATCHED,
        limits={"evaluate": 3, "attention": 3},
        **asked,
    )
    seconds = seconds_by_rule(planned)
    assert seconds["evaluate"].keys() == {"a/locate", "b/locate"}
    assert seconds["calibrate"].keys() == seconds["operations"].keys() == {"a", "b"}
    assert "timing" not in seconds  # nothing shows it
    assert seconds["mean_kept_row"] == {"": RULES["item"]}
    counts = {job.rule: job.count for job in jobs(planned)}
    assert counts["mean_kept_row"] == 2 and counts["cost_table"] == counts["page"] == 1
    assert job_key({"model": "a", "task": "locate", "shard": "1"}) == "a/locate"


def test_a_gpu_and_cores_are_counted_apart(gpu):
    words = plan.time_words(total_seconds(study(limits={"evaluate": 500, "attention": 1})), 4)
    assert words == "about 60 s of a GPU and about 6 s on 4 cores"  # 500 / 10 + 2 x 5; 24 / 4


def test_what_cards_share_is_downloaded_once():
    three = downloads(study(tasks=["refcoco", "refcocog", "tallyqa"]))
    assert three["train2014.zip"] == 13.5
    apart = [downloads(study(tasks=[task])) for task in ("refcoco", "refcocog", "tallyqa")]
    assert len(three) == len(set().union(*apart)) < sum(map(len, apart))
    sizes = {}
    for path in find_cards().values():
        for name, size in read_task(path).gigabytes.items():
            assert sizes.setdefault(name, size) == size, f"{path}: {name}"


def test_what_is_fetched_by_hand_is_said_how(tmp_path):
    models = {"a.b": {"hub": {"repo": "o/m"}, "gigabytes": 14.1}}
    planned = study(models=models, tasks=["refcoco", "gqa"], data={"folder": str(tmp_path)})
    said = plan.text(planned)
    assert lines(said)["model a.b"] == "14.1 GB, from o/m" and "hf auth login" in said
    [hand] = re.findall(r"By hand.*:\n((?: {4}.*\n)+)", said)
    assert hand.startswith("    refcoco: Unpack http") and hand.count("\n") == 1
    (tmp_path / "coco" / "train2014").mkdir(parents=True)
    assert "By hand" not in plan.text(planned)


def test_what_is_not_known_is_said():
    said = lines(plan.text(study(tasks=["ocid-ref", "pope"])))
    assert said["OCID-dataset"] == said["model m"] == "unknown"
    assert said["Downloads"] == "about 0.26 GB, and 3 of unknown size"
    assert said["Disk"].endswith(" GB, and 3 of unknown size")


def test_a_model_says_its_size_and_is_not_fetched_when_it_is_there(small):
    models = {"there": small, "hub": {"hub": {"repo": "o/m"}, "gigabytes": 14.1}}
    assert downloads(study(models=models)) == {"model hub": 14.1}


@pytest.mark.parametrize("name", ["paper", "paper-a1", "paper-slim", "llava15", "qwen25vl"])
def test_studies_of_published_models_say_what_they_weigh(name):
    models = Study.load(f"workflow/config/{name}.yaml").models
    assert models and all(model["gigabytes"] > 10 for model in models.values())


def test_data_sets_with_a_folder_of_their_own_are_not_downloaded(tmp_path):
    names = ["refcoco", "gqa", "vsr"]
    data = {"organisations": {"lmms-lab": str(tmp_path / "copies")}, "folder": str(tmp_path)}

    def fetched():
        return set(downloads(study(tasks=names, data=data))) - {"model m"}

    archives = {"train2014.zip", "vsr_images.zip"}
    everything = {"jxu124/refcoco", "lmms-lab/GQA", "cambridgeltl/vsr_zeroshot"} | archives
    assert fetched() == everything  # the copies are named, but not there
    (tmp_path / "copies" / "GQA").mkdir(parents=True)
    assert fetched() == everything - {"lmms-lab/GQA"}
    (tmp_path / "vsr").mkdir()
    assert fetched() == everything - {"lmms-lab/GQA", "vsr_images.zip"}
    (tmp_path / "coco" / "train2014").mkdir(parents=True)
    assert fetched() == {"jxu124/refcoco", "cambridgeltl/vsr_zeroshot"}


def test_an_archive_is_downloaded_while_one_of_its_tasks_lacks_it(tmp_path):
    (tmp_path / "tallyqa").mkdir()
    alone = study(tasks=["tallyqa"], data={"folder": str(tmp_path)})
    both = study(tasks=["tallyqa", "refcoco"], data={"folder": str(tmp_path)})
    assert "train2014.zip" not in downloads(alone)
    assert "train2014.zip" in downloads(both)


def test_the_rehearsal_downloads_nothing(tmp_path):
    rehearsal = "workflow/config/rehearsal.yaml"
    config = read(rehearsal)
    data = tiny_benchmarks.write_all(tmp_path)
    data["folder"] = str(data["folder"])
    rehearsed = Study.of(config | {"data": config["data"] | data}, rehearsal)
    assert sum(downloads(rehearsed).values()) == 0


@pytest.fixture
def gpu(results):
    """Measurements of a large model, in batches of 1 and 8."""
    alone = [
        {"task": task, "methods": [method], "batch size": batch, "examples per second": speed}
        for task, method, batch, speed in [
            ("refcoco", "unpruned", 1, 1), ("refcoco", "unpruned", 8, 10),
            ("refcoco", "fastv", 8, 20), ("tallyqa", "unpruned", 1, 5),
            ("tallyqa", "unpruned", 8, 50),
        ]
    ]  # fmt: skip
    write(results, "throughput-7b-cuda", {"batch": [1, 8], "alone": alone})
    for task, share in (("tallyqa", 0.1), ("refcoco", 0.05)):
        shared = [{"task": task, "methods": 9, "of separate": share}]
        write(results, f"evaluation-7b-cuda-{task}", {"examples": 8, "cases": shared})


def test_hours_of_a_large_model_are_those_of_a_gpu(gpu):
    own = speeds.speed("no/such/folder", 16)
    assert (own.one_token, own.tokens, own.sharing) == (1 / 50, 1 / 10, 0.1)
    assert "GPU 9" in own.source and "throughput-7b-cuda.json" in own.source
    assert "batches of 8 (measured: 1, 8; the study's: 16)" in own.source
    assert "tallyqa, with answers of one token, 9 methods in batches of 8" in own.shared
    assert "evaluation-7b-cuda-tallyqa.json" in own.shared


@pytest.mark.parametrize(("size", "seconds"), [(1, 1), (7, 1), (8, 1 / 10), (32, 1 / 10)])
def test_the_measured_batch_is_the_largest_that_is_not_above_the_studys(gpu, size, seconds):
    [refcoco] = workload(study(tasks=["refcoco"], batch_size=size))
    assert refcoco.seconds == seconds


def test_without_a_measured_batch_as_small_it_is_the_smallest(gpu, results):
    path = results / "throughput-7b-cuda.json"
    path.write_text(path.read_text().replace('"batch": [1, 8]', '"batch": [8]'))
    assert speeds.speed("no/such/folder", 4).tokens == 1 / 10


@pytest.mark.parametrize("name", ["testbed", "paper", "qwen25vl"])
def test_sources_are_there(name, capsys):
    assert main(["plan", f"workflow/config/{name}.yaml"]) == 0
    sources = re.findall(r"\((\S+\.(?:json|csv))\)", capsys.readouterr().out)
    assert len(sources) >= 3 and all(Path(source).is_file() for source in sources)


def test_constants_are_those_of_the_modules_that_need_torch_or_datasets():
    assert len(score_extraction.EXTRACTED) == plan.VARIANTS
    for path in find_cards().values():
        if (card := read_task(path)).source == "testbed":
            assert card.examples == dataset.IMAGES * dataset.PER_IMAGE


def test_records_do_not_depend_on_what_is_only_planned_with():
    card = read_task(find_card("pope"))
    assert card.gigabytes and not {"gigabytes", "examples"} & card.to_dict().keys()
