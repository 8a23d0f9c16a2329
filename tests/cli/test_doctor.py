"""`prunescope doctor`: every line says what to do, and a failure is the exit code."""

import huggingface_hub
import pytest

from prunescope.cli import demo, doctor, main
from prunescope.cli.doctor import FAIL, OK, WARN
from prunescope.errors import InputError


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


def test_a_sound_machine(capsys):
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for name in ("Python", "packages", "torch", "transformers", "device", "testbed model",
                 "hub", "hub cache", "results", "study", "video"):  # fmt: skip
        assert f"  {name} " in out
    assert "fail" not in out


def test_a_missing_package_fails(monkeypatch, capsys):
    monkeypatch.setattr(
        doctor, "_missing", lambda requirements, extra: [] if extra else ["torch>=2"]
    )
    assert main(["doctor"]) == 1
    assert "fail  packages" in capsys.readouterr().out


def test_versions_are_compared():
    assert doctor._missing(["numpy>=1", "packaging"], "") == []
    assert doctor._missing(["numpy>=99", "no-such-package"], "") == [
        "numpy>=99", "no-such-package",
    ]  # fmt: skip
    requirements = ["numpy>=99", "no-such-package; extra == 'video'"]
    assert doctor._missing(requirements, "video") == ["no-such-package"]


def test_a_hub_out_of_reach_is_a_warning(monkeypatch):
    def fail():
        raise ConnectionError("no network")

    assert doctor._hub().state == WARN and "HF_HUB_OFFLINE" in doctor._hub().fact
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_session", fail)
    check = doctor._hub()
    assert (
        check.state == WARN and "cannot be reached (ConnectionError)" in check.fact and check.advice
    )


def test_folders(tmp_path, monkeypatch):
    assert doctor._folder("results", tmp_path / "not" / "yet", 0, "move").state == OK
    full = doctor._folder("results", tmp_path, 1e9, "move")
    assert full.state == WARN and full.advice == "move"
    monkeypatch.setattr(doctor.os, "access", lambda path, mode: False)
    assert doctor._folder("results", tmp_path, 0, "move").state == FAIL


def test_a_missing_packaged_model_fails(monkeypatch):
    def missing():
        raise InputError("the testbed's model is nowhere")

    monkeypatch.setattr(doctor, "packaged_model", missing)
    assert doctor._testbed().state == FAIL
    assert demo.packaged_model().is_dir()
