# Models that a study names by a repository of the hub, or by what was trained on a decoder. Jobs that run a model depend on its marker
# (origin.json), which holds the request and the commits that were fetched. The folder of a model is
# named after it, unless the study gives a `path`.

from re import escape

from prunescope.hub import origins

DOWNLOADS = origins.downloads(STUDY.models)
CONVERSIONS = origins.conversions(STUDY.models)
MERGERS = origins.mergers(STUDY.models)
NOTHING = "(?!)"  # matches nothing; an empty pattern would match everything


rule download:
    """Files of a repository, linked from the hub's cache. It runs where Snakemake runs, since nodes
    of a cluster may have no network."""
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
        request=lambda wildcards: DOWNLOADS[wildcards.folder],
        code=code_of("download"),
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
        request=lambda wildcards: CONVERSIONS[wildcards.folder],
        code=code_of("convert"),
    script:
        "../scripts/convert.py"


rule merge:
    """A pretrained decoder, with what was trained on it, as a stock LLaVA."""
    input:
        decoder=lambda wildcards: f"{PRETRAINED}/{MERGERS[wildcards.folder]['decoder']}",
        trained=lambda wildcards: [
            f"{MERGERS[wildcards.folder]['folder']}/{file}"
            for file in ("config.json", "merging.json", "trained.safetensors")
        ],
    output:
        marker="{folder}/origin.json",
    log:
        f"{LOGS}/merge/{{folder}}.log",
    benchmark:
        f"{BENCHMARKS}/merge/{{folder}}.tsv"
    wildcard_constraints:
        folder="|".join(map(escape, MERGERS)) or NOTHING,
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        request=lambda wildcards: MERGERS[wildcards.folder],
        code=code_of("merge"),
    script:
        "../scripts/merge.py"
