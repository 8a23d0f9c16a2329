rule methods:
    """All methods of the study for a model, which they must fit; those of `matched` solved for their
    budgets."""
    input:
        files=model_files,
        scores=rules.calibrate.output.scores if STUDY.wanted else [],
    output:
        methods=f"{RESULTS}/methods/{{model}}.yaml",
        matched=f"{RESULTS}/methods/{{model}}.csv",
    log:
        f"{LOGS}/methods/{{model}}.log",
    benchmark:
        f"{BENCHMARKS}/methods/{{model}}.tsv"
    priority: FIRST
    conda:
        "../../environment.yml"
    params:
        name="{model}",
        model=model_settings,
        execution=STUDY.execution,
        fixed=STUDY.fixed,
        wanted=[vars(method) for method in STUDY.wanted],
        code=code_of("methods"),
    script:
        "../scripts/methods.py"
