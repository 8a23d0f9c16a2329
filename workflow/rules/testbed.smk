# Training of the testbed, hours on a CPU: `snakemake --cores all train_testbed`. No other rule asks
# for these outputs, so that a study uses the weights in data/testbed as they are.

TRAINING = "results/training"


rule vision:
    """Vision tower: every patch tells colour, shape and box of its object."""
    output:
        checkpoint=f"{TRAINING}/vision.pt",
    log:
        "results/training/logs/vision.log",
    benchmark:
        "results/training/benchmarks/vision.tsv"
    conda:
        "../../environment.yml"
    threads: workflow.cores
    script:
        "../scripts/vision.py"


rule language:
    """Decoder on scenes written out as symbols: look-ups in context."""
    output:
        checkpoint=f"{TRAINING}/language.pt",
    log:
        "results/training/logs/language.log",
    benchmark:
        "results/training/benchmarks/language.tsv"
    conda:
        "../../environment.yml"
    threads: workflow.cores
    script:
        "../scripts/language.py"


rule align:
    """Projector: features of the tower to the decoder's embeddings of the symbols."""
    input:
        vision=rules.vision.output.checkpoint,
        language=rules.language.output.checkpoint,
    output:
        checkpoint=f"{TRAINING}/align.pt",
    log:
        "results/training/logs/align.log",
    benchmark:
        "results/training/benchmarks/align.tsv"
    conda:
        "../../environment.yml"
    threads: workflow.cores
    script:
        "../scripts/align.py"


rule train:
    """Projector and decoder on images and all questions; writes the model folder."""
    input:
        vision=rules.vision.output.checkpoint,
        language=rules.language.output.checkpoint,
        align=rules.align.output.checkpoint,
    output:
        model=directory(f"{TRAINING}/rope"),
    log:
        "results/training/logs/train.log",
    benchmark:
        "results/training/benchmarks/train.tsv"
    conda:
        "../../environment.yml"
    threads: workflow.cores
    script:
        "../scripts/train.py"


rule train_testbed:
    """All stages; the trained model takes the place of the one in data/testbed."""
    input:
        model=rules.train.output.model,
    output:
        touch(f"{TRAINING}/shipped"),
    log:
        "results/training/logs/train_testbed.log",
    conda:
        "../../environment.yml"
    shell:
        "mkdir -p data/testbed/rope && cp {input.model}/* data/testbed/rope/ 2> {log}"
