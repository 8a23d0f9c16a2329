rule data:
    """A benchmark's examples, downloaded and their images looked at, so that jobs find them in the
    cache; where jobs are sent to nodes without a network, this one stays."""
    input:
        card="data/tasks/{task}.yaml",
    output:
        found=f"{RESULTS}/data/{{task}}.json",
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
        engine=ENGINE,
    script:
        "../scripts/data.py"
