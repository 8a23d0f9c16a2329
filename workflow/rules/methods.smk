rule calibrate:
    """Attention scores of examples that are not evaluated, which budgets are matched on."""
    input:
        files=model_files,
        card=f"data/tasks/{config['calibration']['task']}.yaml",
        examples=examples_of(config["calibration"]["task"]),
    output:
        scores=directory(f"{RESULTS}/calibrate/{{model}}.zarr"),
    log:
        f"{LOGS}/calibrate/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/calibrate/{{model}}.tsv"
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
        split=config["calibration"]["split"],
        examples=config["calibration"]["examples"],
        engine=ENGINE,
    script:
        "../scripts/calibrate.py"


rule methods:
    """All methods of the study for a model, those of `matched` at their budgets."""
    input:
        scores=rules.calibrate.output.scores if STUDY.wanted else [],
    output:
        methods=f"{RESULTS}/methods/{{model}}.yaml",
        matched=f"{RESULTS}/methods/{{model}}.csv",
    log:
        f"{LOGS}/methods/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/methods/{{model}}.tsv"
    conda:
        "../../environment.yml"
    params:
        fixed=STUDY.fixed,
        wanted=[vars(method) for method in STUDY.wanted],
        source=code_digest("budgets"),
    script:
        "../scripts/methods.py"
