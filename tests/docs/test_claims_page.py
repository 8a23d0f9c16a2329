"""The page on claims names every claim, verdict and key."""

from helpers.pages import ROOT
from prunescope.claims.claims import CLAIMS
from prunescope.claims.verdicts import UNMATCHED, VERDICTS
from prunescope.study.study import SCHEMA
from prunescope.study.yaml_files import read

TEXT = (ROOT / "docs/claims.md").read_text()
OF_BENCHMARKS = {"published_tolerance"}  # judges single benchmarks, not claims


def test_every_claim_has_a_row():
    rows = [line for line in TEXT.splitlines() if line.startswith("| ") and line[2].isdigit()]
    statements = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    assert statements == [f"{n}. {claim.statement}" for n, claim in enumerate(CLAIMS, 1)]


def test_every_verdict_is_explained():
    words = TEXT.replace("\n  ", " ")
    assert all(f"**{verdict}**" in words for verdict in (*VERDICTS, UNMATCHED))


def test_every_key_of_the_claims_is_named():
    keys = read(SCHEMA)["properties"]["claims"]["properties"].keys() - OF_BENCHMARKS
    assert [key for key in keys if f"`{key}`" not in TEXT and f"{key}:" not in TEXT] == []
