"""Names of methods: what is written can be read, and people get words and symbols."""

import pytest

from prunescope.method_names import Name, label, parse, write

VARIATIONS = {
    "fastv": Name("fastv"),
    "fastv-norope-k3-r0.5": Name("fastv-norope", (("layer", "3"), ("remove", "0.5"))),
    "pair-k1+2-t0.42": Name("pair", (("layer", "1+2"), ("share", "0.42"))),
    "uniform-k1-s3-o1": Name("uniform", (("layer", "1"), ("stride", "3"), ("offset", "1"))),
    "fastv-k1-as-ensemble-k1-r0.9": Name("fastv", (("layer", "1"),), "ensemble-k1-r0.9"),
    "fastv-k1-before-llm-compact": Name(
        "fastv", (("layer", "1"), (None, "before-llm"), (None, "compact"))
    ),
    "fastv-whole-row-k1": Name("fastv", ((None, "whole-row"), ("layer", "1"))),
    "of-mine-k2": Name("of-mine", (("layer", "2"),)),
    "fastvish": Name("fastvish"),
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_names_have_parts(name):
    assert parse(name) == VARIATIONS[name]


def test_what_is_written_is_read():
    name = write("ensemble", layer=[1, 0.25], remove=0.5, stride=3)
    assert name == "ensemble-k1+0.25-r0.5-s3"
    assert parse(name).values == {"layer": "1+0.25", "remove": "0.5", "stride": "3"}
    matched = write(name, budget_of="feather")
    assert matched == f"{name}-as-feather" and parse(matched).budget_of == "feather"
    assert write("lattice", share=0.350) == "lattice-t0.35"


def test_numbers_and_budgets_at_the_end_make_points_of_one_line():
    stems = {name: parse(name).stem for name in VARIATIONS}
    assert stems["fastv-norope-k3-r0.5"] == "fastv-norope"
    assert stems["fastv-k1-as-ensemble-k1-r0.9"] == "fastv"
    assert stems["fastv-whole-row-k1"] == "fastv-whole-row"
    assert stems["fastv-k1-before-llm-compact"] == "fastv-k1-before-llm-compact"
    assert stems["of-mine-k2"] == "of-mine"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("unpruned", "Unpruned"),
        ("fastv-k1-t0.42", "FastV, K = 1, T/N = 0.42"),
        ("fastv-whole-row-k1", "FastV, whole row, K = 1"),
        (
            "fastv-norope-k3-before-llm-compact",
            "FastV without RoPE, K = 3, before the LLM, compact",
        ),
        ("fastv-k1-as-feather-r0.4", "FastV, K = 1, tokens of FEATHER, R = 0.4"),
        ("of-mine-k2", "of-mine, K = 2"),
        ("no-image-k8", "No image, K = 8"),
    ],
)
def test_labels_say_what_varies(name, shown):
    assert label(name) == shown
