# Training of the testbeds: `snakemake --cores all train_testbed`. Each takes about an hour on two
# CPU cores, and so does each vision tower. No other rule needs these outputs: studies use the
# weights in data/testbed. A stage that was interrupted continues from its last checkpoint
# (`unfinished`).

from prunescope.testbed.questions import ASK

TRAINING = "results/training"
TOWER = f"{TRAINING}/{{tower}}"
DECODER = f"{TRAINING}/decoder/{{positions}}"
BOTH = f"{TRAINING}/{{tower}}/{{positions}}"
# (vision tower, positions in the decoder) of each testbed
TESTBEDS = {
    "rope": ("siglip", "rope"),
    "rope-1m": ("siglip", "rope-1m"),
    "rope-2d": ("siglip", "rope-2d"),
    "none": ("siglip", "none"),
    "swin": ("swin", "rope"),
}

NAMES = {parts: name for name, parts in TESTBEDS.items()}


wildcard_constraints:
    tower="|".join(tower for tower, _ in TESTBEDS.values()),
    positions="|".join(positions for _, positions in TESTBEDS.values()),


RECIPES = {
    "vision": dict(steps=2600, batch=32, rate=2e-3, matrix_rate=2e-3),
    "symbols": dict(steps=1000, horizon=2500, batch=8, rate=3e-3, matrix_rate=4e-3),
    "projector": dict(steps=400, batch=32, rate=3e-3, matrix_rate=3e-3),
    "images": dict(steps=2400, batch=8, rate=2e-3, matrix_rate=3e-3, seed=1),
}
UNFINISHED = {
    "vision": f"{TOWER}/unfinished/vision.pt",
    "symbols": f"{DECODER}/unfinished/symbols.pt",
    "projector": f"{BOTH}/unfinished/projector.pt",
    "images": f"{BOTH}/unfinished/images.pt",
}
STAGES = {
    name: dict(recipe=recipe, unfinished=UNFINISHED[name])
    for name, recipe in RECIPES.items()
}


rule train_vision:
    """Stage 1: the vision tower; every patch tells colour, shape and box of its object."""
    output:
        checkpoint=f"{TOWER}/vision.pt",
    log:
        f"{TOWER}/logs/train_vision.log",
    benchmark:
        f"{TOWER}/benchmarks/train_vision.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["vision"],
        tower="{tower}",
        threads=CORES,
        code=code_of("train_vision"),
    script:
        "../scripts/train_vision.py"


rule train_symbols:
    """Stage 2: the decoder on ideal visual tokens."""
    output:
        checkpoint=f"{DECODER}/symbols.pt",
    log:
        f"{DECODER}/logs/train_symbols.log",
    benchmark:
        f"{DECODER}/benchmarks/train_symbols.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["symbols"],
        positions="{positions}",
        threads=CORES,
        code=code_of("train_symbols"),
    script:
        "../scripts/train_symbols.py"


rule train_projector:
    """Stage 3: the projector, from the tower's features to the ideal visual tokens."""
    input:
        vision=rules.train_vision.output.checkpoint,
        symbols=rules.train_symbols.output.checkpoint,
    output:
        checkpoint=f"{BOTH}/projector.pt",
    log:
        f"{BOTH}/logs/train_projector.log",
    benchmark:
        f"{BOTH}/benchmarks/train_projector.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["projector"],
        tower="{tower}",
        positions="{positions}",
        threads=CORES,
        code=code_of("train_projector"),
    script:
        "../scripts/train_projector.py"


rule train_images:
    """Stage 4: projector and decoder on rendered images."""
    input:
        vision=rules.train_vision.output.checkpoint,
        symbols=rules.train_symbols.output.checkpoint,
        projector=rules.train_projector.output.checkpoint,
    output:
        checkpoint=f"{BOTH}/images.pt",
    log:
        f"{BOTH}/logs/train_images.log",
    benchmark:
        f"{BOTH}/benchmarks/train_images.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["images"],
        tower="{tower}",
        positions="{positions}",
        threads=CORES,
        code=code_of("train_images"),
    script:
        "../scripts/train_images.py"


rule assemble_testbed:
    """The model's folder with its card; a copy replaces the one in data/testbed."""
    input:
        vision=rules.train_vision.output.checkpoint,
        images=rules.train_images.output.checkpoint,
        cards=[f"data/tasks/{task}.yaml" for task in ASK],
    output:
        model=directory(f"{BOTH}/model"),
    log:
        f"{BOTH}/logs/assemble_testbed.log",
    benchmark:
        f"{BOTH}/benchmarks/assemble_testbed.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipes=RECIPES,
        tower="{tower}",
        positions="{positions}",
        place=lambda wildcards: f"data/testbed/{NAMES[wildcards.tower, wildcards.positions]}",
        unfinished=list(UNFINISHED.values()),
        threads=CORES,
        code=code_of("assemble_testbed"),
    script:
        "../scripts/assemble_testbed.py"


rule train_testbed:
    """All testbeds."""
    input:
        [f"{TRAINING}/{tower}/{positions}/model" for tower, positions in NAMES],
    localrule: True


FITNESS = f"{TRAINING}/fitness/{{model}}"


rule gates:
    """Whether a model of the study is fit for it, on the development split."""
    input:
        files=model_files,
        cards=[f"data/tasks/{task}.yaml" for task in ASK],
    output:
        gates=f"{FITNESS}/gates.json",
    log:
        f"{FITNESS}/logs/gates.log",
    benchmark:
        f"{FITNESS}/benchmarks/gates.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    resources:
        gpu=GPUS,
    params:
        name="{model}",
        model=model_settings,
        execution=STUDY.execution,
        numbers=dict(boxes=300, others=100, scored=120, batch_size=16),
        store="results/store",
        place=folder_of_trained,
        threads=CORES,
        code=code_of("gates"),
    script:
        "../scripts/gates.py"


rule leak_probes:
    """What single visual tokens of a model tell beyond their patch."""
    input:
        files=model_files,
    output:
        leaks=f"{FITNESS}/leaks.json",
    log:
        f"{FITNESS}/logs/leak_probes.log",
    benchmark:
        f"{FITNESS}/benchmarks/leak_probes.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    resources:
        gpu=GPUS,
        mem_mb=6000,
    params:
        name="{model}",
        model=model_settings,
        execution=STUDY.execution,
        images=3000,
        per_image=24,
        place=folder_of_trained,
        threads=CORES,
        code=code_of("leak_probes"),
    script:
        "../scripts/leak_probes.py"
