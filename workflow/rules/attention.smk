rule attention:
    """Attention scores of the last prompt token in every layer, with and without RoPE."""
    input:
        files=model_files,
        card="data/tasks/{task}.yaml",
    output:
        scores=directory(f"{RESULTS}/attention/{{model}}/{{task}}.zarr"),
    log:
        f"{LOGS}/attention/{{model}}/{{task}}.log",
    benchmark:
        f"{BENCHMARKS}/attention/{{model}}/{{task}}.tsv"
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
        limit=config["limits"]["attention"],
        engine=ENGINE,
    script:
        "../scripts/attention.py"
