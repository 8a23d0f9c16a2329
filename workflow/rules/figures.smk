# One rule for each figure and table that the study names, called like its script: editing a script
# makes that one item anew. Its inputs, outputs and params are the arguments of the script's `make`:
# one that asks for what is stored of one model is made for each, any other once.

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
