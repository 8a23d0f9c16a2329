rule data:
    """The examples of a benchmark, downloaded and their images checked, so that jobs find them in
    the cache. It runs where Snakemake runs, since nodes of a cluster may have no network.
    """
    input:
        card=lambda wildcards: STUDY.card(wildcards.task),
    output:
        counts=f"{RESULTS}/data/{{task}}.json",
    log:
        f"{LOGS}/data/{{task}}.log",
    benchmark:
        f"{BENCHMARKS}/data/{{task}}.tsv"
    localrule: True
    conda:
        "../../environment.yml"
    params:
        access=config["data"],
        splits=lambda wildcards: STUDY.splits(wildcards.task),
        code=code_of("data"),
    script:
        "../scripts/data.py"
