# Training of the testbeds: two hours on two CPU cores, `snakemake --cores all train_testbed`.
# No other rule asks for these outputs: a study uses the weights in data/testbed as they are.
# A stage goes on from its last checkpoint (`unfinished`) when it is started again. The testbeds
# differ in the positions that the decoder sees and share the vision tower.

from prunescope.testbed.questions import ASK

TRAINING = "results/training"
DECODER = f"{TRAINING}/{{positions}}"
POSITIONS = ["rope", "none"]


wildcard_constraints:
    positions="|".join(POSITIONS),


RECIPES = {
    "vision": dict(steps=2600, batch=32, rate=2e-3, matrix_rate=2e-3),
    "symbols": dict(steps=1000, horizon=2500, batch=8, rate=3e-3, matrix_rate=4e-3),
    "align": dict(steps=400, batch=32, rate=3e-3, matrix_rate=3e-3),
    "images": dict(steps=2400, batch=8, rate=2e-3, matrix_rate=3e-3, seed=1),
}
# What the four stages share; those of the decoder have a folder for each testbed
UNFINISHED = {
    name: f"{TRAINING if name == 'vision' else DECODER}/unfinished/{name}.pt"
    for name in RECIPES
}
STAGES = {
    name: dict(recipe=recipe, unfinished=UNFINISHED[name])
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
        checkpoint=f"{DECODER}/symbols.pt",
    log:
        f"{DECODER}/logs/symbols.log",
    benchmark:
        f"{DECODER}/benchmarks/symbols.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["symbols"],
        positions="{positions}",
        threads=CORES,
    script:
        "../scripts/symbols.py"


rule align:
    """Stage 3: the projector, from the tower's features to the ideal visual tokens."""
    input:
        vision=rules.vision.output.checkpoint,
        symbols=rules.symbols.output.checkpoint,
    output:
        checkpoint=f"{DECODER}/align.pt",
    log:
        f"{DECODER}/logs/align.log",
    benchmark:
        f"{DECODER}/benchmarks/align.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["align"],
        positions="{positions}",
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
        checkpoint=f"{DECODER}/images.pt",
    log:
        f"{DECODER}/logs/images.log",
    benchmark:
        f"{DECODER}/benchmarks/images.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["images"],
        positions="{positions}",
        threads=CORES,
    script:
        "../scripts/images.py"


rule testbed:
    """The model folder with its card; takes the place of the one in data/testbed."""
    input:
        vision=rules.vision.output.checkpoint,
        images=rules.images.output.checkpoint,
        cards=[f"data/tasks/{task}.yaml" for task in ASK],
    output:
        model=directory(f"{DECODER}/model"),
    log:
        f"{DECODER}/logs/testbed.log",
    benchmark:
        f"{DECODER}/benchmarks/testbed.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipes=RECIPES,
        positions="{positions}",
        place="data/testbed/{positions}",
        unfinished=list(UNFINISHED.values()),
        threads=CORES,
    script:
        "../scripts/testbed.py"


rule train_testbed:
    """All testbeds."""
    input:
        expand(rules.testbed.output.model, positions=POSITIONS),
    localrule: True
