rule methods:
    """All methods of the study for a model, those of `matched` solved for their budgets."""
    input:
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
        fixed=STUDY.fixed,
        wanted=[vars(method) for method in STUDY.wanted],
        code=code_of("methods"),
    script:
        "../scripts/methods.py"
