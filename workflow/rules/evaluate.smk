rule evaluate:
    """Every question of a task, answered with every method; what is in the store is not redone."""
    input:
        files=model_files,
        methods=rules.methods.output.methods,
        card=lambda wildcards: STUDY.card(wildcards.task),
        examples=lambda wildcards: examples_of(wildcards.task),
    output:
        records=f"{RESULTS}/records/{{model}}/{{task}}/{{shard}}.parquet",
    log:
        f"{LOGS}/evaluate/{{model}}/{{task}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate/{{model}}/{{task}}/{{shard}}.tsv"
    priority: duration("evaluate")
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
        store="results/store",
        limit=lambda wildcards: STUDY.limit(wildcards.task),
        shard=lambda wildcards: [int(wildcards.shard), config["shards"]],
        code=code_of("evaluate"),
    script:
        "../scripts/evaluate.py"
