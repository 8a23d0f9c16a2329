rule attention:
    """Attention scores of the last prompt token in every layer, with and without RoPE."""
    input:
        files=model_files,
        card="data/tasks/{task}.yaml",
        examples=lambda wildcards: examples_of(wildcards.task),
    output:
        scores=directory(f"{RESULTS}/attention/{{model}}/{{task}}/{{shard}}.zarr"),
    log:
        f"{LOGS}/attention/{{model}}/{{task}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/attention/{{model}}/{{task}}/{{shard}}.tsv"
    conda:
        "../../environment.yml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        name="{model}",
        model=model_settings,
        execution=STUDY.execution,
        batch_size=config["batch_size"],
        limit=config["limits"]["attention"],
        shard=lambda wildcards: [int(wildcards.shard), config["shards"]],
        engine=ENGINE,
    script:
        "../scripts/attention.py"
