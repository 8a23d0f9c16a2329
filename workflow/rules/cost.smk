rule cost:
    """Measured time, KV memory and FLOPs of every method, alone on the machine."""
    input:
        files=model_files,
        methods=rules.methods.output.methods,
        card=f"data/tasks/{config['tasks'][0]}.yaml",
        examples=examples_of(config["tasks"][0]),
    output:
        cost=f"{RESULTS}/cost/{{model}}.parquet",
    log:
        f"{LOGS}/cost/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/cost/{{model}}.tsv"
    conda:
        "../../environment.yml"
    # all cores, so that no other job disturbs the clock
    threads: CORES
    resources:
        gpu=GPUS,
    params:
        name="{model}",
        model=model_settings,
        execution=STUDY.execution,
        timing=config["cost"],
        code=code_of("cost"),
    script:
        "../scripts/cost.py"
