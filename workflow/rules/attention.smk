rule attention:
    """Attention scores of the last prompt token in every layer, with and without RoPE."""
    input:
        files=model_files,
        card=lambda wildcards: STUDY.card(wildcards.task),
        examples=lambda wildcards: examples_of(wildcards.task),
    output:
        scores=directory(f"{RESULTS}/attention/{{model}}/{{task}}/{{shard}}.zarr"),
    log:
        f"{LOGS}/attention/{{model}}/{{task}}/{{shard}}.log",
    benchmark:
        f"{BENCHMARKS}/attention/{{model}}/{{task}}/{{shard}}.tsv"
    priority: duration("attention")
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
        split=None,
        limit=config["limits"]["attention"],
        shard=lambda wildcards: [int(wildcards.shard), config["shards"]],
        code=code_of("attention"),
    script:
        "../scripts/attention.py"


# Scores of questions that are not evaluated: budgets are matched on them.
use rule attention as calibrate with:
    input:
        files=model_files,
        card=STUDY.card(config["calibration"]["task"]),
        examples=examples_of(config["calibration"]["task"]),
    output:
        scores=directory(f"{RESULTS}/calibrate/{{model}}.zarr"),
    log:
        f"{LOGS}/calibrate/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/calibrate/{{model}}.tsv"
    priority: FIRST
    params:
        split=config["calibration"]["split"],
        limit=config["calibration"]["examples"],
        shard=[1, 1],
