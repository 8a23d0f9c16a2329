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
    "align": dict(steps=400, batch=32, rate=3e-3, matrix_rate=3e-3),
    "images": dict(steps=2400, batch=8, rate=2e-3, matrix_rate=3e-3, seed=1),
}
UNFINISHED = {
    "vision": f"{TOWER}/unfinished/vision.pt",
    "symbols": f"{DECODER}/unfinished/symbols.pt",
    "align": f"{BOTH}/unfinished/align.pt",
    "images": f"{BOTH}/unfinished/images.pt",
}
STAGES = {
    name: dict(recipe=recipe, unfinished=UNFINISHED[name])
    for name, recipe in RECIPES.items()
}


rule vision:
    """Stage 1: the vision tower; every patch tells colour, shape and box of its object."""
    output:
        checkpoint=f"{TOWER}/vision.pt",
    log:
        f"{TOWER}/logs/vision.log",
    benchmark:
        f"{TOWER}/benchmarks/vision.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["vision"],
        tower="{tower}",
        threads=CORES,
        code=code_of("vision"),
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
        code=code_of("symbols"),
    script:
        "../scripts/symbols.py"


rule align:
    """Stage 3: the projector, from the tower's features to the ideal visual tokens."""
    input:
        vision=rules.vision.output.checkpoint,
        symbols=rules.symbols.output.checkpoint,
    output:
        checkpoint=f"{BOTH}/align.pt",
    log:
        f"{BOTH}/logs/align.log",
    benchmark:
        f"{BOTH}/benchmarks/align.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["align"],
        tower="{tower}",
        positions="{positions}",
        threads=CORES,
        code=code_of("align"),
    script:
        "../scripts/align.py"


rule images:
    """Stage 4: projector and decoder on rendered images."""
    input:
        vision=rules.vision.output.checkpoint,
        symbols=rules.symbols.output.checkpoint,
        align=rules.align.output.checkpoint,
    output:
        checkpoint=f"{BOTH}/images.pt",
    log:
        f"{BOTH}/logs/images.log",
    benchmark:
        f"{BOTH}/benchmarks/images.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        **STAGES["images"],
        tower="{tower}",
        positions="{positions}",
        threads=CORES,
        code=code_of("images"),
    script:
        "../scripts/images.py"


rule testbed:
    """The model's folder with its card; a copy replaces the one in data/testbed."""
    input:
        vision=rules.vision.output.checkpoint,
        images=rules.images.output.checkpoint,
        cards=[f"data/tasks/{task}.yaml" for task in ASK],
    output:
        model=directory(f"{BOTH}/model"),
    log:
        f"{BOTH}/logs/testbed.log",
    benchmark:
        f"{BOTH}/benchmarks/testbed.tsv"
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
        code=code_of("testbed"),
    script:
        "../scripts/testbed.py"


rule train_testbed:
    """All testbeds."""
    input:
        [f"{TRAINING}/{tower}/{positions}/model" for tower, positions in NAMES],
    localrule: True
