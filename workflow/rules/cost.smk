rule operations:
    """Tokens, KV memory and FLOPs of every method, as they follow from the tokens that it keeps."""
    input:
        files=model_files,
        methods=rules.methods.output.methods,
        card=STUDY.card(config["tasks"][0]),
        examples=examples_of(config["tasks"][0]),
    output:
        operations=f"{RESULTS}/operations/{{model}}.parquet",
    log:
        f"{LOGS}/operations/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/operations/{{model}}.tsv"
    conda:
        "../../environment.yml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        name="{model}",
        model=model_settings,
        execution=STUDY.execution,
        code=code_of("operations"),
    script:
        "../scripts/operations.py"


rule timing:
    """Measured time and memory of every method, alone on the machine."""
    input:
        files=model_files,
        methods=rules.methods.output.methods,
        card=STUDY.card(config["tasks"][0]),
        examples=examples_of(config["tasks"][0]),
    output:
        timing=f"{RESULTS}/timing/{{model}}.parquet",
    log:
        f"{LOGS}/timing/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/timing/{{model}}.tsv"
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
        settings=config["timing"],
        code=code_of("timing"),
    script:
        "../scripts/timing.py"
