"""Tiny random models and prompts."""

import gc

import datasets
import huggingface_hub
import pytest
import torch
from hypothesis import settings

from helpers.testbed_model import random_examples
from helpers.tiny_llava import build_llava
from prunescope.tasks.card import find_card, read_task
from prunescope.tasks.examples import SOURCES

# Models of these sizes are slower on several threads.
torch.set_num_threads(1)
# Time is for benchmarks to tell.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_collection_finish(session):
    """All that is imported by now stays, and need not be looked through for garbage."""
    gc.freeze()


@pytest.fixture(scope="module")
def offline(tmp_path_factory):
    """The hub cannot be reached, and what `datasets` caches is in a folder of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
        patch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
        patch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        yield


@pytest.fixture
def task(monkeypatch):
    """`locate` with ten random examples."""
    monkeypatch.setitem(SOURCES, "testbed", lambda task: random_examples(10))
    return read_task(find_card("locate"))


@pytest.fixture(params=["eager", "sdpa"])
def backend(request) -> str:
    return request.param


@pytest.fixture
def llava(backend):
    return build_llava(backend=backend)
