# Training of the testbed: about two hours on two CPU cores, `snakemake --cores all train_testbed`.
# No other rule asks for these outputs: a study uses the weights in data/testbed as they are.
# A stage goes on from its last checkpoint (`unfinished`) when it is started again.

from prunescope.testbed.questions import ASK

TRAINING = "results/training"
RECIPES = {
    "vision": dict(steps=2600, batch=32, rate=2e-3, matrix_rate=2e-3),
    "symbols": dict(steps=1000, horizon=2500, batch=8, rate=3e-3, matrix_rate=4e-3),
    "align": dict(steps=400, batch=32, rate=3e-3, matrix_rate=3e-3),
    "images": dict(steps=2400, batch=8, rate=2e-3, matrix_rate=3e-3, seed=1),
}
# What the four stages share
STAGES = {
    name: dict(recipe=recipe, unfinished=f"{TRAINING}/unfinished/{name}.pt")
    for name, recipe in RECIPES.items()
}


rule vision:
    """Stage 1: the vision tower; every patch tells colour, shape and box of its object."""
    output:
        checkpoint=f"{TRAINING}/vision.pt",
    log:
        f"{TRAINING}/logs/vision.log",
    benchmark:
        f"{TRAINING}/benchmarks/vision.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["vision"],
        threads=CORES,
    script:
        "../scripts/vision.py"


rule symbols:
    """Stage 2: the decoder on ideal visual tokens."""
    output:
        checkpoint=f"{TRAINING}/symbols.pt",
    log:
        f"{TRAINING}/logs/symbols.log",
    benchmark:
        f"{TRAINING}/benchmarks/symbols.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["symbols"],
        threads=CORES,
    script:
        "../scripts/symbols.py"


rule align:
    """Stage 3: the projector, from the tower's features to the ideal visual tokens."""
    input:
        vision=rules.vision.output.checkpoint,
        symbols=rules.symbols.output.checkpoint,
    output:
        checkpoint=f"{TRAINING}/align.pt",
    log:
        f"{TRAINING}/logs/align.log",
    benchmark:
        f"{TRAINING}/benchmarks/align.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["align"],
        threads=CORES,
    script:
        "../scripts/align.py"


rule images:
    """Stage 4: projector and decoder on rendered images."""
    input:
        vision=rules.vision.output.checkpoint,
        symbols=rules.symbols.output.checkpoint,
        align=rules.align.output.checkpoint,
    output:
        checkpoint=f"{TRAINING}/images.pt",
    log:
        f"{TRAINING}/logs/images.log",
    benchmark:
        f"{TRAINING}/benchmarks/images.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["images"],
        threads=CORES,
    script:
        "../scripts/images.py"


rule train_testbed:
    """The model folder with its card; takes the place of the one in data/testbed."""
    input:
        vision=rules.vision.output.checkpoint,
        images=rules.images.output.checkpoint,
        cards=[f"data/tasks/{task}.yaml" for task in ASK],
    output:
        model=directory(f"{TRAINING}/rope"),
    log:
        f"{TRAINING}/logs/train_testbed.log",
    benchmark:
        f"{TRAINING}/benchmarks/train_testbed.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipes=RECIPES,
        place="data/testbed/rope",
        unfinished=f"{TRAINING}/unfinished",
        threads=CORES,
    script:
        "../scripts/train_testbed.py"
