rule evaluate:
    """Every question of a task, answered with every method; what is in the store is not redone."""
    input:
        files=model_files,
        card="data/tasks/{task}.yaml",
    output:
        records=f"{RESULTS}/records/{{model}}/{{task}}.parquet",
    log:
        f"{LOGS}/evaluate/{{model}}/{{task}}.log",
    benchmark:
        f"{BENCHMARKS}/evaluate/{{model}}/{{task}}.tsv"
    conda:
        "../../environment.yml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        name="{model}",
        model=lambda wildcards: config["models"][wildcards.model],
        run=RUN,
        batch_size=config["batch_size"],
        store="results/store",
        methods=METHODS,
        limit=config["limits"]["evaluate"],
        engine=ENGINE,
    script:
        "../scripts/evaluate.py"
