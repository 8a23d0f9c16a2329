# One rule for each figure and table that the study names. A rule is called like its script:
# analysis/ box_recall.py has the rule box_recall. Its inputs, outputs and params are the arguments
# of the script's `make`. A script that asks for results of one model is run for each model, any
# other once.

for kind, name in ITEMS:

    rule:
        name:
            name
        input:
            **scripts.select(name, COMPUTED),
        output:
            **outputs(kind, name),
        log:
            f"{LOGS}/{paths.model_folder(name)}{name}.log",
        benchmark:
            f"{BENCHMARKS}/{paths.model_folder(name)}{name}.tsv"
        conda:
            "../../environment.yml"
        resources:
            mem_mb=memory,
        params:
            **(scripts.select(name, SETTINGS) | config[kind][name]),
            caption=scripts.caption(name),
            script=name,
            code=script_digest(scripts.ANALYSIS / f"{name}.py"),
        script:
            "../../analysis/{params.script}.py"
