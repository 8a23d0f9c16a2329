"""The reference tables agree with themselves and with what the paper computes from them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prunescope import claims
from prunescope.claims import published, roles, side_by_side
from prunescope.claims.published import Row
from prunescope.errors import InputError
from prunescope.method_names import BEFORE_LLM
from prunescope.methods import LIBRARY, named_methods
from prunescope.statistics.accuracy import CONTRAST, LOCALIZATION, OTHER
from prunescope.study import Study
from prunescope.study.study import SCHEMA
from prunescope.study.yaml_files import read

ROOT = Path(__file__).parents[2]
MEANS = {
    "localization": ["ocid-ref", "refcocog", "refcoco-plus", "refcoco"],
    "vqa": ["textvqa", "gqa", "vqav2", "vizwiz"],
    "challenge": ["pope", "tallyqa", "vsr", "ai2d"],
}
FASTV = ["nocaps", "flickr30k", "a-okvqa", "mmmu"]  # of its `average`
ROWS = {"table1": 10, "table2": 2, "table_a1": 5, "table_a2": 7, "table_a3": 6}


@pytest.fixture(scope="module")
def paper():
    return published.read(ROOT / published.FOLDER)


def test_averages_are_those_of_their_cells(paper):
    checked = 0
    for key, rows in paper.groupby(["source", "method", "K", "R"]):
        cells = rows.set_index("task")["value"]
        for mean, tasks in MEANS.items():
            if mean in cells:
                assert cells[mean] == pytest.approx(cells[tasks].mean(), abs=0.08), (key, mean)
                checked += 1
    assert checked == 3 * (sum(ROWS.values()) - ROWS["table2"]) + ROWS["table2"]


def test_averages_of_fastv_are_those_of_their_cells(paper):
    rows = paper[paper["source"].str.endswith("FastV's Table 1")]
    table = rows.pivot(index=["method", "K", "R"], columns="task", values="value")
    assert len(table) == 13 and table["average"].notna().all()
    whole = table.dropna()
    assert len(whole) == 7
    assert np.allclose(whole["average"], whole[FASTV].mean(axis=1), atol=0.06)


def test_a_table_is_called_as_no_other(paper):
    sources = paper["source"].drop_duplicates()
    assert sources.str.contains(r"^(?:arXiv \d{4}\.\d{5}|github\.com/\w[\w/-]+), ").all()
    assert not sources.str.rpartition(", ")[2].duplicated().any()
    assert not paper["value"].isna().any()


def test_what_a_model_may_stand_for_has_its_tables(paper):
    stands_for = read(SCHEMA)["properties"]["models"]["additionalProperties"]["properties"]
    assert list(side_by_side.TABLES) == stands_for["stands_for"]["enum"]
    named = {table for tables in side_by_side.TABLES.values() for table in tables}
    assert named <= set(paper["source"].str.rpartition(", ")[2])


@pytest.mark.parametrize(
    ("study", "stands_for"),
    [
        ("paper", "siglip"),
        ("paper-slim", "siglip"),
        ("paper-a1", "dinosiglip"),
        ("testbed", "siglip"),
        ("llava15", "llava-1.5"),
        ("qwen25vl", "none"),
    ],
)
def test_models_of_studies_stand_for_what_fits_them(study, stands_for, monkeypatch):
    monkeypatch.chdir(ROOT)
    models = Study.load(f"workflow/config/{study}.yaml").models.values()
    assert {model["stands_for"] for model in models} == {stands_for}


def test_the_study_of_llava_has_the_method_that_fastvs_authors_print(paper, monkeypatch):
    monkeypatch.chdir(ROOT)
    methods = Study.load("workflow/config/llava15.yaml").methods
    rows = paper[paper["source"].str.endswith(side_by_side.TABLES["llava-1.5"][0])]
    [(name, k, r)] = {tuple(x) for x in rows[rows["K"] != ""][["method", "K", "R"]].values}
    [stage] = methods[f"{name}-k{k}-r{r}"]
    assert (stage["layer"], stage["remove"]) == (int(k), float(r))


def test_every_number_is_there_once(paper):
    assert not paper.duplicated(["source", "method", "K", "R", "task"]).any()
    for name, rows in ROWS.items():
        table = pd.read_csv(ROOT / published.FOLDER / f"feather_{name}.csv")
        assert table.groupby(["method", "K", "R"], dropna=False).ngroups == rows
        tasks = table[table["task"] != "gpu-hours"].groupby(["method", "K", "R"], dropna=False)
        assert set(tasks.size()) == {5 if name == "table2" else 15}


def test_a_row_that_is_printed_twice_has_the_same_numbers(paper):
    tables = paper[paper["source"].str.contains(r", Table (?:1|A2|A3)$")]
    assert (tables.groupby(["method", "K", "R", "task"])["value"].nunique() == 1).all()


def test_relative_losses_of_the_text_follow_from_the_table(paper):
    losses = paper[paper["task"].str.startswith("relative loss: ")]
    assert len(losses) == 12
    for task, loss in zip(
        losses["task"].str.removeprefix("relative loss: "), losses["value"], strict=True
    ):
        full = published.value(paper, Row("Table A2", "unpruned"), task)
        left = published.value(paper, Row("Table A2", "fastv", "3", "0.75"), task)
        assert loss == pytest.approx(100 * (full - left) / full, abs=0.25), task


def test_printed_reductions_are_those_of_the_counts(paper):
    """One stage on 729 tokens in 32 layers; what the union keeps depends on the image."""
    methods = named_methods()
    rows = paper[paper["method"].isin(["fastv", "fastv-norope", "pyramiddrop"])]
    for (method, k, r, printed), _ in rows.groupby(["method", "K", "R", "flops_reduction"]):
        stages, counts = [int(layer) for layer in k.split("+")], [729]
        for _ in stages:
            counts.append(int(counts[-1] * (1 - float(r))))
        mean = methods[method].mean_tokens(counts[1:], 729, 32)
        if stages == methods[method].layers(32):
            assert float(printed) == pytest.approx(100 * (1 - mean / 729), abs=0.7), (method, k, r)


def test_effects_are_looked_up(paper):
    feather, fastv = (
        Row("Table A2", "feather", "8+16", "0.7"),
        Row("Table A2", "fastv", "3", "0.75"),
    )
    shown = published.difference(paper, feather, fastv, LOCALIZATION)
    assert shown.text == "+33.4 points (39.3 against 5.9)"
    assert shown.source == "Table A2: feather (K 8+16, R 0.7) and fastv (K 3, R 0.75)"
    assert published.value(paper, fastv, OTHER) == pytest.approx(59.4)
    contrast = published.difference(paper, Row("Table A2", "unpruned"), fastv, CONTRAST)
    assert contrast.text == "+41.6 points (47.3 against 5.7)"


def test_what_is_not_printed_is_an_error(paper, tmp_path):
    with pytest.raises(InputError, match=r"no number for .*'gqa', only for \[\]"):
        published.value(paper, Row("Table 1", "fastv", "16", "0.75"), "gqa")
    with pytest.raises(InputError, match="no reference tables"):
        published.read(tmp_path)
    (tmp_path / "x.csv").write_text("method,K,R\n")
    with pytest.raises(InputError, match=r"x\.csv: missing columns \['task'"):
        published.read(tmp_path)


def test_ours_stands_beside_the_same_method(paper, monkeypatch):
    from helpers.claims_study import study

    monkeypatch.chdir(ROOT)
    table = claims.compare_groups(study(), paper)
    named = table.set_index("method")
    assert named.loc["feather", "localization published"] == pytest.approx(0.393)
    assert named.loc["feather", "R"] == "0.7" and "0.4" not in set(table["R"])
    assert named.loc["feather", "tokens published"] == pytest.approx(0.36)
    assert named.loc["feather", "tokens"] == study().budgets["feather"].mean()
    assert named.loc["unpruned", "localization kept"] == 1
    assert named.loc["feather", "localization kept published"] == pytest.approx(39.3 / 53.2)
    assert set(table["source"]) == {"Table 1", "Table 2", "Table A2", "Table A3"}
    assert named.loc["early-before", "localization published"] == pytest.approx(0.283)
    assert np.isnan(named.loc["early-before", "other tasks published"])
    rows = study().records.query("method == 'feather' and task == 'locate'")
    assert named.loc["feather", "localization"] == pytest.approx(rows["score"].mean())


def test_of_methods_that_are_one_published_row_one_stands_beside_it(paper, monkeypatch):
    from helpers.claims_study import METHODS, study

    monkeypatch.chdir(ROOT)
    [replay], [knn] = METHODS["early-before"], read(LIBRARY)["knn"]
    monkeypatch.setattr(published, "DEPTH", 12)
    near, far = ([knn | {"layer": 1, "keep": keep}] for keep in (0.2, 0.9))
    plain = study(methods=METHODS | {"before": [replay], "union": near, "norope-later": far})
    table = claims.compare_groups(plain, paper)
    printed = table[table["source"].isin(["Table 1", "Table 2"]) & table["K"].eq("3")]
    assert {"before", "early-before"} & set(printed["method"]) == {"before"}
    apart = {name: abs(plain.budgets[name].mean() - 0.34) for name in ("union", "norope-later")}
    assert {*apart} & set(printed["method"]) == {min(apart, key=apart.get)}


def test_every_published_row_of_feather_has_its_method_in_the_papers_study(paper, monkeypatch):
    """Except for the layers and fractions that the study does not have."""
    monkeypatch.chdir(ROOT)
    library = set(read(LIBRARY))
    rows = paper[paper["source"].str.contains(r"2412\.13180, Table (?:1|A2|A3)$")]
    assert len(rows) and set(rows["method"].str.removesuffix(f"-{BEFORE_LLM}")) <= library
    depth, methods = 32, Study.load("workflow/config/paper.yaml").methods
    for name, k in rows[rows["K"].str.len() > 0][["method", "K"]].drop_duplicates().values:
        role, wanted = library_of(name), [int(layer) for layer in k.split("+")]
        same = [m for m in methods.values() if roles.same_kind(m, role)]
        assert wanted in [roles.layers(m, depth) for m in same], (name, k)


def library_of(name):
    return read(LIBRARY)[name]


def test_a_second_encoder_stands_beside_its_own_table(paper, monkeypatch):
    from helpers.claims_study import study

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(published, "DEPTH", 12)  # layer 3 of 12 is layer 1 of the study's 4
    table = claims.compare_groups(study(), paper, "dinosiglip").set_index("method")
    assert set(table["source"]) == {"Table A1"}
    assert table.loc["fastv", "localization published"] == pytest.approx(0.272)
    assert table["localization kept published"].isna().all()  # it has no unpruned row


def test_benchmarks_that_both_have_are_compared(paper, monkeypatch):
    from helpers.claims_study import study

    monkeypatch.chdir(ROOT)
    plain = study()
    monkeypatch.setattr(published, "DEPTH", 12)
    assert claims.compare_benchmarks(plain, paper, "siglip").empty
    renamed = replace(plain, records=plain.records.replace({"task": {"locate": "refcoco"}}))
    score = renamed.records.query("method == 'unpruned' and task == 'refcoco'")["score"].mean()
    near = paper.copy()
    unpruned = (near["method"] == "unpruned") & (near["task"] == "refcoco")
    near.loc[unpruned, "value"] = 100 * score
    for tolerance, verdict in ((0.5, "holds"), (1e-9, "undecided")):
        thresholds = replace(renamed.thresholds, published_tolerance=tolerance)
        judged = replace(renamed, thresholds=thresholds)
        table = claims.compare_benchmarks(judged, near, "siglip").set_index("method")
        assert set(table["task"]) == {"refcoco"}
        whole = table.loc[["unpruned"]]  # of the paper's table, and of the model's authors
        assert whole[["value", "published"]].values == pytest.approx(np.full((2, 2), score))
        assert whole["check"].tolist() == [verdict, verdict]
    fastv = table.loc[["fastv"]].set_index("source")["published"]
    assert dict(fastv) == pytest.approx({"Table 1": 0.067, "README.md at c2a09b2": 0.076})


def test_llava_stands_beside_the_benchmark_that_is_judged_alike(paper, monkeypatch):
    from helpers.claims_study import METHODS, study

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(published, "DEPTH", 12)
    row = {"layer": 1, "remove": 0.5, "score": {"attention": {"softmax": "row"}}}
    plain = study(methods=METHODS | {"fastv": [row]})
    tasks = {"task": {"locate": "refcoco", "color": "gqa", "count": "mme"}}
    renamed = replace(plain, records=plain.records.replace(tasks))
    table = claims.compare_benchmarks(renamed, paper, "llava-1.5")
    assert table[["method", "task", "published"]].values.tolist() == [
        ["unpruned", "gqa", 0.62],
        ["fastv", "gqa", 0.604],
    ]
    assert claims.compare_groups(renamed, paper, "llava-1.5").empty


def test_nothing_stands_beside_a_model_that_stands_for_none(paper, monkeypatch):
    from helpers.claims_study import study

    monkeypatch.chdir(ROOT)
    plain = study()
    renamed = replace(plain, records=plain.records.replace({"task": {"locate": "refcoco"}}))
    assert claims.compare_groups(renamed, paper, "none").empty
    assert claims.compare_benchmarks(renamed, paper, "none").empty


def test_prismatics_own_row_stands_beside_the_unpruned_model(paper, monkeypatch):
    from helpers.claims_study import study

    monkeypatch.chdir(ROOT)
    plain = study()
    renamed = replace(plain, records=plain.records.replace({"task": {"locate": "refcoco"}}))
    table = claims.compare_benchmarks(renamed, paper, "siglip")
    whole = table[table["method"] == "unpruned"].set_index("source")["published"]
    assert dict(whole) == pytest.approx({"Table A2": 0.609, "Prismatic's Tables 2 to 4": 0.6474})
