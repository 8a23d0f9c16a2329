# Models that are not there yet, for studies that name a repository of the hub. Jobs that run a model
# ask for its marker, which says what was fetched and at which commit; the study's name for a model
# is the folder's, unless it gives a `path`.

from re import escape

from prunescope.hub import origins

DOWNLOADS = origins.downloads(STUDY.models)
CONVERSIONS = origins.conversions(STUDY.models)
NOTHING = "(?!)"  # the pattern that nothing fits; one without letters fits everything


rule download:
    """Files of a repository, linked from the hub's cache; where jobs are sent to nodes without a
    network, this one stays."""
    output:
        marker="{folder}/origin.json",
    log:
        f"{LOGS}/download/{{folder}}.log",
    benchmark:
        f"{BENCHMARKS}/download/{{folder}}.tsv"
    wildcard_constraints:
        folder="|".join(map(escape, DOWNLOADS)) or NOTHING,
    localrule: True
    conda:
        "../../environment.yml"
    params:
        wanted=lambda wildcards: DOWNLOADS[wildcards.folder],
    script:
        "../scripts/download.py"


rule convert:
    """A Prismatic checkpoint, its vision tower and its tokenizer as a stock LLaVA."""
    input:
        parts=lambda wildcards: [
            f"{wildcards.folder}/{part}/origin.json"
            for part in origins.parts_of(CONVERSIONS[wildcards.folder]["request"])
        ],
    output:
        model=directory("{folder}/converted"),
        marker="{folder}/origin.json",
    log:
        f"{LOGS}/convert/{{folder}}.log",
    benchmark:
        f"{BENCHMARKS}/convert/{{folder}}.tsv"
    wildcard_constraints:
        folder="|".join(map(escape, CONVERSIONS)) or NOTHING,
    conda:
        "../../environment.yml"
    params:
        wanted=lambda wildcards: CONVERSIONS[wildcards.folder],
        source=code_digest("checkpoints"),
    script:
        "../scripts/convert.py"
