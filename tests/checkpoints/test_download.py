"""Models of the hub: fetched by the hub's client from a hub on this machine, and by the rules."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import huggingface_hub
import pytest
import xarray as xr
import yaml
from transformers.utils import is_torchvision_available

from helpers import tiny_prismatic as mini
from helpers.chat_model import save_model
from helpers.local_hub import files_of, serving
from prunescope.checkpoints.checkpoint import Checkpoint
from prunescope.checkpoints.conversion import convert_parts
from prunescope.checkpoints.download import download
from prunescope.errors import InputError
from prunescope.evaluation.setup import check_methods, checkpoint
from prunescope.hub import origins
from prunescope.methods import parse_methods
from prunescope.report.manifest import manifest
from prunescope.study import Study
from prunescope.study.models import model_files

ROOT = Path(__file__).parents[2]
HTTP = import_module(huggingface_hub.errors.HTTPError.__module__.partition(".")[0])
REPO, KEY = "llava-hf/tiny", "models.tiny.hub"
PICKLE = {"pytorch_model.bin": b"code", "consolidated.pth": b"code", "modeling_tiny.py": b"code"}

WITHOUT_TORCHVISION = pytest.mark.skipif(is_torchvision_available(), reason="torchvision is there")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """A Prismatic model as three repositories that are folders."""
    root = tmp_path_factory.mktemp("parts")
    mini.save_checkpoint(root / "prismatic" / "run")
    (root / "siglip").mkdir()
    mini.save_vision(root / "siglip" / "model.safetensors")
    mini.save_tokenizer(root / "llama")
    return {
        "checkpoint": {"repo": str(root / "prismatic"), "folder": "run"},
        "vision": {"repo": str(root / "siglip")},
        "tokenizer": {"repo": str(root / "llama")},
        "dtype": "float32",
    }


@pytest.fixture
def hub(tmp_path):
    with serving(tmp_path / "cache") as hub:
        yield hub


def fetch(folder, part="hub", key=KEY, repo=REPO, revision="main", **more):
    download(folder, key, part, {"repo": repo, "revision": revision, **more})
    return folder


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_what_is_fetched_is_the_model_and_no_pickle_or_code(hub, model, tmp_path):
    others = dict.fromkeys(["onnx/model.safetensors", "onnx/config.json", "README.md"], b"x")
    files = files_of(model)
    sha = hub.add(REPO, files | PICKLE | others)
    out = fetch(tmp_path / "out")
    assert names(out) == files.keys() | {"origin.json"}
    assert sorted(hub.sent) == sorted(files)
    original, fetched = Checkpoint("tiny", model), Checkpoint("tiny", out)
    assert fetched.to_dict() == original.to_dict()  # equal keys of stored answers
    assert fetched.manifest()["origin"] == f"{REPO}@{sha}" and "origin" not in original.manifest()
    fetched.load()
    xr.Dataset(attrs=fetched.manifest()).to_zarr(tmp_path / "scores.zarr")
    assert manifest([tmp_path / "scores.zarr"])["tiny: origin"] == f"{REPO}@{sha}"


def test_the_cache_is_enough_without_a_network(hub, model, tmp_path, monkeypatch):
    sha = hub.add(REPO, files_of(model))
    first = fetch(tmp_path / "first")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    for revision in ("main", sha):
        again = fetch(tmp_path / revision, revision=revision)
        assert names(again) == names(first)
        assert origins.commits_of(again) == [f"{REPO}@{sha}"]


def test_an_interrupted_download_goes_on(hub, model, tmp_path):
    hub.add(REPO, files_of(model))
    hub.broken = {"model.safetensors"}
    with pytest.raises(InputError, match=rf"^{KEY}: {REPO}: "):
        fetch(tmp_path)
    assert not (tmp_path / "origin.json").exists()
    hub.broken = set()
    fetch(tmp_path)
    assert sorted(hub.sent) == sorted(files_of(model))


def test_another_revision_takes_the_place_of_the_first(hub, model, tmp_path):
    files = files_of(model)
    hub.add(REPO, files | {"extra.json": b"{}"})
    hub.add(REPO, files | {"chat_template.jinja": b"other"}, "v2")
    fetch(tmp_path / "out")
    before = len(hub.sent)
    asked = {"repo": REPO, "revision": "v2"}
    wanted = {"path": str(tmp_path / "out"), "hub": asked, "prismatic": None}
    assert not origins.is_present(wanted)
    out = fetch(tmp_path / "out", revision="v2")
    assert origins.is_present(wanted)
    assert names(out) == files.keys() | {"origin.json"}
    assert (out / "chat_template.jinja").read_text() == "other"
    assert hub.sent[before:] == ["chat_template.jinja"]  # nothing finished is fetched again


def test_a_cache_that_was_emptied_is_noticed(hub, model, tmp_path):
    hub.add(REPO, files_of(model))
    wanted = {"path": str(fetch(tmp_path / "out")), "hub": {}, "prismatic": None}
    assert model_files(wanted) == [str(tmp_path / "out" / "origin.json")]
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(InputError, match=r"links to nothing; remove .*out/origin\.json to"):
        model_files(wanted)


def test_files_of_the_folder_s_own_are_not_replaced(hub, model, tmp_path):
    hub.add(REPO, files_of(model))
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"has files of its own, such as notes\.txt; set `path`"):
        fetch(tmp_path)
    assert names(tmp_path) == {"notes.txt"} and not hub.sent


def ask(hub, tmp_path, **asked):
    with pytest.raises(InputError) as raised:
        fetch(tmp_path / "out", **asked)
    message = str(raised.value)
    assert "\n" not in message and not (tmp_path / "out" / "origin.json").exists()
    return message


def test_refusals_of_the_hub_are_explained_in_one_line(hub, model, tmp_path):
    hub.add(REPO, files_of(model))
    message = ask(hub, tmp_path, repo="nobody/nothing")
    assert message.startswith(f"{KEY}: nobody/nothing: there is no such model, or it is private")
    assert f"give a folder that has it as {KEY}.repo" in message
    message = ask(hub, tmp_path, revision="v9")
    assert "there is no revision 'v9'" in message and message.endswith(f"Set {KEY}.revision")
    hub.gated = {REPO}
    message = ask(hub, tmp_path)
    assert f"{REPO}: access is gated" in message and "hf auth login" in message
    message = ask(hub, tmp_path, repo="no name")
    assert message.startswith(f"{KEY}: no name: it cannot be loaded: HFValidationError")


def test_what_the_hub_forbids_is_quoted(hub, model, tmp_path):
    hub.add(REPO, files_of(model))
    hub.broken = {"model.safetensors"}  # is listed, and not given
    message = ask(hub, tmp_path)
    assert "the hub forbids it (" in message and "403 Forbidden" in message
    assert "the right to read gated repositories" in message


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("llama", "a model of type 'llama' does not read images and text"),
        ("siglip_vision_model", "'siglip_vision_model' does not read images and text"),
        ("mistral3", "(model_type 'mistral3') is not supported; families and their model types"),
        pytest.param("qwen2_5_vl", "its processor needs torchvision", marks=WITHOUT_TORCHVISION),
    ],
)
def test_a_model_that_cannot_be_asked_is_refused_before_its_weights(
    hub, model, tmp_path, kind, message
):
    config = json.dumps({"model_type": kind}).encode()
    hub.add(REPO, files_of(model) | {"config.json": config})
    assert message in ask(hub, tmp_path)
    assert "model.safetensors" not in hub.sent


def test_no_network_and_nothing_in_the_cache(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "not in the cache, and the hub cannot be reached" in ask(hub, tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    message = ask(hub, tmp_path)
    assert "not in the cache, and the hub cannot be reached" in message
    assert f"{KEY}.repo" in message


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the disk is full"),
        (RuntimeError("IO Error: No space left on device (os error 28)"), "the disk is full"),
        (HTTP.RemoteProtocolError("peer closed"), "the hub cannot be reached"),
    ],
)
def test_errors_on_the_way_are_explained_in_one_line(hub, tmp_path, monkeypatch, error, expected):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    assert expected in ask(hub, tmp_path)


def test_room_is_looked_for_before_anything_is_fetched(hub, model, tmp_path, monkeypatch):
    hub.add(REPO, files_of(model))
    usage = shutil._ntuple_diskusage(10, 9, 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    message = ask(hub, tmp_path)
    assert "the disk is full" in message and "HF_HOME" in message
    assert not hub.sent


def test_pickles_are_refused(hub, model, tmp_path):
    hub.add(REPO, {"config.json": (model / "config.json").read_bytes()} | PICKLE)
    message = ask(hub, tmp_path)
    assert f"{REPO}@" in message and "has no *.safetensors. Weights in pickles" in message
    assert hub.sent == ["config.json"]
    hub.add("llava-hf/none", {"model.gguf": b"weights"})
    assert "has no config.json. Give a repository" in ask(hub, tmp_path, repo="llava-hf/none")


def test_code_that_comes_with_a_model_is_not_run(hub, model, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *question: "y")  # if anyone were asked
    files = files_of(model)
    config = {"model_type": "tiny", "auto_map": {"AutoConfig": "modeling_tiny.TinyConfig"}}
    files |= {"config.json": json.dumps(config).encode(), "modeling_tiny.py": b"raise SystemExit"}
    hub.add(REPO, files)
    assert "transformers has no class of its own for it" in ask(hub, tmp_path)
    assert "model.safetensors" not in hub.sent
    local = tmp_path / "local"
    local.mkdir()
    for name, data in files.items():
        (local / name).write_bytes(data)
    with pytest.raises(InputError, match=r"^model 'tiny': .*is never run"):
        Checkpoint("tiny", local).load()


def test_parts_of_a_prismatic_model_become_one(hub, parts, tmp_path):
    expected, key = [], "models.prism.prismatic"
    for part in origins.parts_of(parts):
        repo = f"organisation/{part}"
        files = files_of(Path(parts[part]["repo"])) | ({} if part == "vision" else PICKLE)
        expected.append(f"{repo}@{hub.add(repo, files | {'config.json': b''})}")
        asked = parts[part] | {"repo": repo, "revision": "main"}
        download(tmp_path / part, f"{key}.{part}", part, asked)
    assert set(hub.sent) == {
        "run/config.json", "run/checkpoints/latest-checkpoint.pt", "model.safetensors",
        "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    convert_parts(tmp_path, key, parts)
    prism = Checkpoint("prism", tmp_path)
    assert prism.manifest()["origin"] == ", ".join(expected)
    assert origins.is_present({"path": tmp_path, "hub": None, "prismatic": parts})
    model = prism.load().model
    assert model.get_input_embeddings().num_embeddings == mini.rows()


def test_a_part_that_cannot_be_converted_is_named(parts, tmp_path):
    for part in origins.parts_of(parts):
        download(tmp_path / part, part, part, parts[part])
    (tmp_path / "tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"^models\.prism\.prismatic: .*no tokenizer\.json"):
        convert_parts(tmp_path, "models.prism.prismatic", parts)
    with pytest.raises(InputError, match=r"vision: .*has no \*\.safetensors"):
        download(tmp_path / "x", "vision", "vision", parts["tokenizer"])


@pytest.fixture
def models(model, parts, tmp_path):
    """Two models that a study fetches, by name."""
    asked = {"repo": str(model), "revision": "main"}
    return {
        "llava": {"hub": asked, "path": str(tmp_path / "llava")},
        "prism": {"prismatic": parts, "path": str(tmp_path / "prism")},
    }


@pytest.fixture
def run(models, tmp_path):
    """Run Snakemake on a study of `models`, with the changes that a test made."""
    name = f"downloads-{os.getpid()}"
    base = {"name": name, "tasks": ["locate"]}

    def run(*arguments):
        (tmp_path / "study.yaml").write_text(yaml.safe_dump(base | {"models": models}))
        command = [sys.executable, "-m", "snakemake", "--nolock", "--configfile"]
        command += [str(tmp_path / "study.yaml"), "--cores", "2", "--verbose", *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        output = done.stdout + done.stderr
        return done.returncode, output, dict(re.findall(r"(?m)^(\w+) +(\d+)$", output))

    yield run
    shutil.rmtree(ROOT / "results" / name, ignore_errors=True)


def test_the_rules_fetch_and_convert(run, models, tmp_path):
    markers = [f"{model['path']}/origin.json" for model in models.values()]
    code, output, jobs = run(*markers)
    assert code == 0, output
    assert jobs == {"download": "4", "convert": "1", "total": "5"}
    study = Study.of({"tasks": ["locate"], "models": models}, "study")
    assert all(map(origins.is_present, study.models.values()))
    methods = parse_methods(study.methods, "study").values()
    for name, model in study.models.items():
        check_methods(checkpoint(name, model, study.execution), methods)
    marked = {"m": {"path": study.models["prism"]["path"]}}  # what was made, as a folder
    (tmp_path / "marked.yaml").write_text(yaml.safe_dump({"tasks": ["locate"], "models": marked}))
    code, output, _ = run("--dry-run", "--configfile", tmp_path / "marked.yaml")
    assert code == 0 and "Exception" not in output, output
    models["llava"]["hub"]["revision"] = "v2"
    models["prism"] |= {"gigabytes": 1}  # no reason to do anything
    _, _, jobs = run("--dry-run", *markers)
    assert jobs == {"download": "1", "total": "1"}


def test_jobs_that_run_a_model_wait_for_it(run, models):
    models["prism"] = {"prismatic": {}}
    code, output, jobs = run("--dry-run")
    assert code == 0, output
    assert (jobs["download"], jobs["convert"], jobs["evaluate"]) == ("4", "1", "2")
    assert "input: data/models/prism/origin.json, " in output
