# Training of `smol`, a pretrained decoder that learned to see: `snakemake --cores all train_smol`.
# About three hours on two CPU cores. No other rule needs these outputs: studies use the weights in
# data/testbed. A stage that was interrupted continues from its last checkpoint (`unfinished`).

SMOL = f"{TRAINING}/smol"
SMOL_DECODER = f"{PRETRAINED}/smollm2-135m-instruct"
RANK = 16  # of the low-rank updates
# Visual tokens on a side of the image, and the folder of the weights. The finer model begins with
# the vectors and the decoder of the coarser one.
GRIDS = {"12": "data/testbed/smol", "24": "data/testbed/smol-24"}
SMOL_RECIPES = {
    "tower": dict(steps=2400, batch=32, rate=2e-3, matrix_rate=2e-3),
    "ideal": dict(
        steps=2000,
        horizon=2200,
        batch=2,
        rate=2e-3,
        matrix_rate=1e-3,
        warmup=30,
        checkpoint_every=25,
        milestones=[0, 50, 100, 200, 400, 800, 1200, 1600],
    ),
    "projector": dict(steps=800, batch=32, rate=3e-3, matrix_rate=3e-3, seed=2),
    "reading": dict(
        steps=60,
        batch=4,
        rate=1e-3,
        matrix_rate=5e-4,
        warmup=10,
        seed=5,
        checkpoint_every=20,
        milestones=[],
    ),
}
SMOL_UNFINISHED = {
    "tower": f"{SMOL}/{{grid}}/unfinished/tower.pt",
    "ideal": f"{SMOL}/unfinished/ideal.pt",
    "projector": f"{SMOL}/{{grid}}/unfinished/projector.pt",
    "reading": f"{SMOL}/{{grid}}/unfinished/reading.pt",
}


wildcard_constraints:
    grid="|".join(GRIDS),


rule train_patch_tower:
    """Stage 1: the vision tower; every patch tells what it shows, and what the image holds."""
    output:
        checkpoint=f"{SMOL}/{{grid}}/tower.pt",
    log:
        f"{SMOL}/{{grid}}/logs/train_patch_tower.log",
    benchmark:
        f"{SMOL}/{{grid}}/benchmarks/train_patch_tower.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipe=SMOL_RECIPES["tower"],
        unfinished=SMOL_UNFINISHED["tower"],
        grid=lambda wildcards: int(wildcards.grid),
        threads=CORES,
        code=code_of("train_patch_tower"),
    script:
        "../scripts/train_patch_tower.py"


rule train_ideal:
    """Stage 2: the decoder learns to read ideal visual tokens, which are learned with it."""
    input:
        decoder=SMOL_DECODER,
    output:
        checkpoint=f"{SMOL}/ideal.pt",
    log:
        f"{SMOL}/logs/train_ideal.log",
    benchmark:
        f"{SMOL}/benchmarks/train_ideal.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipe=SMOL_RECIPES["ideal"],
        unfinished=SMOL_UNFINISHED["ideal"],
        rank=RANK,
        threads=CORES,
        code=code_of("train_ideal"),
    script:
        "../scripts/train_ideal.py"


rule fit_projector:
    """Stage 3: the projector, from the frozen tower's features to the ideal visual tokens."""
    input:
        decoder=SMOL_DECODER,
        tower=rules.train_patch_tower.output.checkpoint,
        ideal=rules.train_ideal.output.checkpoint,
    output:
        checkpoint=f"{SMOL}/{{grid}}/projector.pt",
    log:
        f"{SMOL}/{{grid}}/logs/fit_projector.log",
    benchmark:
        f"{SMOL}/{{grid}}/benchmarks/fit_projector.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipe=SMOL_RECIPES["projector"],
        unfinished=SMOL_UNFINISHED["projector"],
        rank=RANK,
        grid=lambda wildcards: int(wildcards.grid),
        threads=CORES,
        code=code_of("fit_projector"),
    script:
        "../scripts/fit_projector.py"


rule train_reading:
    """Stage 4: the decoder on images, behind the frozen tower and projector."""
    input:
        decoder=SMOL_DECODER,
        tower=rules.train_patch_tower.output.checkpoint,
        ideal=rules.train_ideal.output.checkpoint,
        projector=rules.fit_projector.output.checkpoint,
    output:
        checkpoint=f"{SMOL}/{{grid}}/reading.pt",
    log:
        f"{SMOL}/{{grid}}/logs/train_reading.log",
    benchmark:
        f"{SMOL}/{{grid}}/benchmarks/train_reading.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipe=SMOL_RECIPES["reading"],
        unfinished=SMOL_UNFINISHED["reading"],
        rank=RANK,
        grid=lambda wildcards: int(wildcards.grid),
        threads=CORES,
        code=code_of("train_reading"),
    script:
        "../scripts/train_reading.py"


rule write_trained:
    """What was trained, in a small folder; a copy replaces the one in data/testbed."""
    input:
        decoder=SMOL_DECODER,
        tower=rules.train_patch_tower.output.checkpoint,
        ideal=rules.train_ideal.output.checkpoint,
        projector=rules.fit_projector.output.checkpoint,
        reading=rules.train_reading.output.checkpoint,
    output:
        trained=directory(f"{SMOL}/{{grid}}/trained"),
    log:
        f"{SMOL}/{{grid}}/logs/write_trained.log",
    benchmark:
        f"{SMOL}/{{grid}}/benchmarks/write_trained.tsv"
    conda:
        "../../environment.yml"
    params:
        place=lambda wildcards: GRIDS[wildcards.grid],
        rank=RANK,
        grid=lambda wildcards: int(wildcards.grid),
        code=code_of("write_trained"),
    script:
        "../scripts/write_trained.py"


rule bias_course:
    """The positional bias at milestones of the training; a copy goes to data/testbed."""
    input:
        decoder=SMOL_DECODER,
        tower=rules.train_patch_tower.output.checkpoint,
        ideal=rules.train_ideal.output.checkpoint,
        projector=rules.fit_projector.output.checkpoint,
        reading=rules.train_reading.output.checkpoint,
    output:
        table=f"{SMOL}/{{grid}}/bias_course.csv",
    log:
        f"{SMOL}/{{grid}}/logs/bias_course.log",
    benchmark:
        f"{SMOL}/{{grid}}/benchmarks/bias_course.tsv"
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        recipes=SMOL_RECIPES,
        milestones_of=SMOL_UNFINISHED,
        scenes=24,
        place=lambda wildcards: GRIDS[wildcards.grid],
        rank=RANK,
        grid=lambda wildcards: int(wildcards.grid),
        code=code_of("bias_course"),
    script:
        "../scripts/bias_course.py"


rule trained_card:
    """Card of what was trained; a copy goes to its folder in data/testbed. The gates and probes are
    those of a study's model: `--configfile workflow/config/smol.yaml`."""
    input:
        gates=rules.gates.output.gates,
        leaks=rules.leak_probes.output.leaks,
    output:
        card=f"{FITNESS}/README.md",
    log:
        f"{FITNESS}/logs/trained_card.log",
    benchmark:
        f"{FITNESS}/benchmarks/trained_card.tsv"
    conda:
        "../../environment.yml"
    params:
        place=folder_of_trained,
        grids=GRIDS,
        recipes=SMOL_RECIPES,
        unfinished=SMOL_UNFINISHED,
        rank=RANK,
        code=code_of("trained_card"),
    script:
        "../scripts/trained_card.py"


rule train_smol:
    """The models of 12 x 12 and 24 x 24 visual tokens."""
    input:
        expand(rules.write_trained.output.trained, grid=GRIDS),
    localrule: True
